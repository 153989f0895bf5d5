using Beadhub.Gateway.Tests.Stores;

namespace Beadhub.Gateway.Tests.Sqlite;

// The contract on the embedded database.
public sealed class Transport(SqliteStore store) : TransportContract(store);

public sealed class Authentication(SqliteStore store) : AuthenticationContract(store);

public sealed class Init(SqliteStore store) : InitContract(store);

public sealed class IssueFile(SqliteStore store) : IssueFileContract(store);

public sealed class InitLimit(SqliteStore store) : InitLimitContract(store);

public sealed class Joining(SqliteStore store) : JoiningContract(store);

public sealed class Administration(SqliteStore store) : AdministrationContract(store);

public sealed class Agents(SqliteStore store) : AgentsContract(store);

public sealed class AgentLifecycle(SqliteStore store) : AgentLifecycleContract(store);

public sealed class AgentIdentities(SqliteStore store) : AgentIdentitiesContract(store);

public sealed class EventsStream(SqliteStore store) : EventsStreamContract(store);

// Who may write does not depend on the store.
public sealed class EndedAgents(SqliteStore store) : EndedAgentsContract(store);

public sealed class Needs(SqliteStore store) : NeedsContract(store);

public sealed class Workspaces(SqliteStore store) : WorkspacesContract(store);

public sealed class Heartbeat(SqliteStore store) : HeartbeatContract(store);

public sealed class WorkspaceRemoval(SqliteStore store) : WorkspaceRemovalContract(store);

public sealed class Repos(SqliteStore store) : ReposContract(store);

public sealed class BeadsUpload(SqliteStore store) : BeadsUploadContract(store);

public sealed class BeadsIssues(SqliteStore store) : BeadsIssuesContract(store);

public sealed class IssueRoundTrip(SqliteStore store) : IssueRoundTripContract(store);

public sealed class OldLog(SqliteStore store) : OldLogContract(store);

public sealed class BeadsReady(SqliteStore store) : BeadsReadyContract(store);

public sealed class BdhCommand(SqliteStore store) : BdhCommandContract(store);

public sealed class BdhSync(SqliteStore store) : BdhSyncContract(store);

public sealed class Claims(SqliteStore store) : ClaimsContract(store);

public sealed class ClaimNext(SqliteStore store) : ClaimNextContract(store);

public sealed class Plans(SqliteStore store) : PlansContract(store);

public sealed class BeadClaims(SqliteStore store) : BeadClaimsContract(store);

public sealed class BeadsEdits(SqliteStore store) : BeadsEditsContract(store);

public sealed class BeadsHistory(SqliteStore store) : BeadsHistoryContract(store);

public sealed class TasksHistory(SqliteStore store) : TasksHistoryContract(store);

public sealed class Search(SqliteStore store) : SearchContract(store);

public sealed class Escalations(SqliteStore store) : EscalationsContract(store);

public sealed class Tasks(SqliteStore store) : TasksContract(store);

public sealed class TaskClaims(SqliteStore store) : TaskClaimsContract(store);

public sealed class Mcp(SqliteStore store) : McpContract(store);

public sealed class McpSessions(SqliteStore store) : McpSessionsContract(store);
public sealed class Messages(SqliteStore store) : MessagesContract(store);

public sealed class MailboxSize(SqliteStore store) : MailboxSizeContract(store);

public sealed class Contacts(SqliteStore store) : ContactsContract(store);

public sealed class AgentRoles(SqliteStore store) : AgentRolesContract(store);

public sealed class AuditTrail(SqliteStore store) : AuditTrailContract(store);

public sealed class ActivityFeed(SqliteStore store) : ActivityFeedContract(store);

public sealed class Outreach(SqliteStore store) : OutreachContract(store);

public sealed class BrowserAccess(SqliteStore store) : BrowserAccessContract(store);

public sealed class Publications(SqliteStore store) : PublicationsContract(store);

public sealed class Subscriptions(SqliteStore store) : SubscriptionsContract(store);

public sealed class Notifications(SqliteStore store) : NotificationsContract(store);

public sealed class Status(SqliteStore store) : StatusContract(store);

public sealed class StatusStream(SqliteStore store) : StatusStreamContract(store);

public sealed class Chat(SqliteStore store) : ChatContract(store);

public sealed class ChatStream(SqliteStore store) : ChatStreamContract(store);

public sealed class Conversations(SqliteStore store) : ConversationsContract(store);

public sealed class Isolation(SqliteStore store) : IsolationContract(store);

public sealed class TeamScenario(SqliteStore store) : TeamScenarioContract(store);

public sealed class CrashScenario(SqliteStore store) : CrashScenarioContract(store);

public sealed class Fuzz(SqliteStore store) : FuzzContract(store);

public sealed class Idempotency(SqliteStore store) : IdempotencyContract(store);

public sealed class OpenApi(SqliteStore store) : OpenApiContract(store);
public sealed class Reservations(SqliteStore store) : ReservationsContract(store);

public sealed class Policies(SqliteStore store) : PoliciesContract(store);
public sealed class Quotas(SqliteStore store) : QuotasContract(store);

public sealed class Webhooks(SqliteStore store) : WebhooksContract(store);

public sealed class ApiKeys(SqliteStore store) : ApiKeysContract(store);

public sealed class Hives(SqliteStore store) : HivesContract(store);
