using Beadhub.Gateway.Tests.Stores;

namespace Beadhub.Gateway.Tests.Postgres;

// The contract on PostgreSQL, as far as it depends on the store (OnAnyStoreAttribute).
public sealed class Transport(PostgresStore store) : TransportContract(store);

public sealed class Authentication(PostgresStore store) : AuthenticationContract(store);

public sealed class Init(PostgresStore store) : InitContract(store);

public sealed class Joining(PostgresStore store) : JoiningContract(store);

public sealed class IssueFile(PostgresStore store) : IssueFileContract(store);

public sealed class Administration(PostgresStore store) : AdministrationContract(store);

public sealed class Agents(PostgresStore store) : AgentsContract(store);

public sealed class AgentLifecycle(PostgresStore store) : AgentLifecycleContract(store);

public sealed class AgentIdentities(PostgresStore store) : AgentIdentitiesContract(store);

public sealed class EventsStream(PostgresStore store) : EventsStreamContract(store);

public sealed class Workspaces(PostgresStore store) : WorkspacesContract(store);

public sealed class Heartbeat(PostgresStore store) : HeartbeatContract(store);

public sealed class WorkspaceRemoval(PostgresStore store) : WorkspaceRemovalContract(store);

public sealed class Repos(PostgresStore store) : ReposContract(store);

public sealed class BeadsUpload(PostgresStore store) : BeadsUploadContract(store);

public sealed class BeadsIssues(PostgresStore store) : BeadsIssuesContract(store);

public sealed class IssueRoundTrip(PostgresStore store) : IssueRoundTripContract(store);

public sealed class OldLog(PostgresStore store) : OldLogContract(store);

public sealed class BeadsReady(PostgresStore store) : BeadsReadyContract(store);

public sealed class BdhCommand(PostgresStore store) : BdhCommandContract(store);

public sealed class BdhSync(PostgresStore store) : BdhSyncContract(store);

public sealed class Claims(PostgresStore store) : ClaimsContract(store);

public sealed class ClaimNext(PostgresStore store) : ClaimNextContract(store);

public sealed class Plans(PostgresStore store) : PlansContract(store);

public sealed class BeadClaims(PostgresStore store) : BeadClaimsContract(store);

public sealed class BeadsEdits(PostgresStore store) : BeadsEditsContract(store);

public sealed class BeadsHistory(PostgresStore store) : BeadsHistoryContract(store);

public sealed class TasksHistory(PostgresStore store) : TasksHistoryContract(store);

public sealed class Search(PostgresStore store) : SearchContract(store);

public sealed class Escalations(PostgresStore store) : EscalationsContract(store);

public sealed class Tasks(PostgresStore store) : TasksContract(store);

public sealed class TaskClaims(PostgresStore store) : TaskClaimsContract(store);

public sealed class Mcp(PostgresStore store) : McpContract(store);

public sealed class McpSessions(PostgresStore store) : McpSessionsContract(store);
public sealed class Messages(PostgresStore store) : MessagesContract(store);

public sealed class MailboxSize(PostgresStore store) : MailboxSizeContract(store);

public sealed class Contacts(PostgresStore store) : ContactsContract(store);

public sealed class AgentRoles(PostgresStore store) : AgentRolesContract(store);

public sealed class AuditTrail(PostgresStore store) : AuditTrailContract(store);

public sealed class ActivityFeed(PostgresStore store) : ActivityFeedContract(store);

public sealed class Outreach(PostgresStore store) : OutreachContract(store);

public sealed class Publications(PostgresStore store) : PublicationsContract(store);

public sealed class Subscriptions(PostgresStore store) : SubscriptionsContract(store);

public sealed class Notifications(PostgresStore store) : NotificationsContract(store);

public sealed class Status(PostgresStore store) : StatusContract(store);

public sealed class StatusStream(PostgresStore store) : StatusStreamContract(store);

public sealed class Chat(PostgresStore store) : ChatContract(store);

public sealed class ChatStream(PostgresStore store) : ChatStreamContract(store);

public sealed class Conversations(PostgresStore store) : ConversationsContract(store);

public sealed class Isolation(PostgresStore store) : IsolationContract(store);

public sealed class TeamScenario(PostgresStore store) : TeamScenarioContract(store);

public sealed class CrashScenario(PostgresStore store) : CrashScenarioContract(store);

public sealed class Idempotency(PostgresStore store) : IdempotencyContract(store);

public sealed class Reservations(PostgresStore store) : ReservationsContract(store);

public sealed class Policies(PostgresStore store) : PoliciesContract(store);
public sealed class Quotas(PostgresStore store) : QuotasContract(store);

public sealed class Webhooks(PostgresStore store) : WebhooksContract(store);

public sealed class ApiKeys(PostgresStore store) : ApiKeysContract(store);

public sealed class Hives(PostgresStore store) : HivesContract(store);
