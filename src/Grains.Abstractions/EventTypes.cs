using System.Collections.Frozen;
using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Beadhub.ApiKeys;
using Beadhub.Audit;
using Beadhub.Beads;
using Beadhub.Chat;
using Beadhub.Contacts;
using Beadhub.Controls;
using Beadhub.Conversations;
using Beadhub.Directories;
using Beadhub.Escalations;
using Beadhub.HiveSync;
using Beadhub.History;
using Beadhub.Hives;
using Beadhub.Idempotency;
using Beadhub.Invites;
using Beadhub.Locks;
using Beadhub.Mail;
using Beadhub.Notifications;
using Beadhub.Outreach;
using Beadhub.Policies;
using Beadhub.Projects;
using Beadhub.Publications;
using Beadhub.Remotes;
using Beadhub.Subscriptions;
using Beadhub.Tasks;
using Beadhub.Webhooks;
using Beadhub.Workspaces;
using Orleans;

namespace Beadhub;

/// <summary>The event types that this version knows, by the name under which the log keeps them.</summary>
public static class EventTypes
{
    // An encoder that leaves text readable: nothing here is ever put into HTML.
    private static readonly EventJson Json =
        new(new JsonSerializerOptions(EventJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    private static readonly FrozenDictionary<Type, (string Name, JsonTypeInfo Json)> ByType = All()
        .ToFrozenDictionary(t => t.Type, t => (t.Name, t.Json));
    private static readonly FrozenDictionary<string, JsonTypeInfo> ByName = All().ToFrozenDictionary(t => t.Name, t => t.Json);

    /// <summary>Name of the event's type, for example <c>bead.claimed.v1</c>.</summary>
    public static string NameOf(IEvent @event) => ByType[@event.GetType()].Name;

    /// <summary>Names of the event types that are <typeparamref name="TEvent"/>s.</summary>
    public static IEnumerable<string> NamesOf<TEvent>() =>
        ByType.Where(static type => type.Key.IsAssignableTo(typeof(TEvent))).Select(static type => type.Value.Name);

    /// <summary>The event as JSON.</summary>
    public static string Serialize(IEvent @event) => JsonSerializer.Serialize(@event, ByType[@event.GetType()].Json);

    /// <summary>Whether this version knows a type.</summary>
    public static bool Knows(string type) => ByName.ContainsKey(type);

    /// <summary>Whether events of a type are <typeparamref name="TEvent"/>s; false of a type that this version does not know.</summary>
    public static bool Are<TEvent>(string type) => ByName.TryGetValue(type, out var json) && json.Type.IsAssignableTo(typeof(TEvent));

    /// <summary>Reads an event; null when the type is unknown to this version, which keeps such events and skips them.</summary>
    public static IEvent? Parse(string type, string data) =>
        ByName.TryGetValue(type, out var json) ? (IEvent?)JsonSerializer.Deserialize(data, json) : null;

    private static IEnumerable<(Type Type, string Name, JsonTypeInfo Json)> All() =>
        from type in typeof(EventTypes).Assembly.GetTypes()
        where typeof(IEvent).IsAssignableFrom(type) && type is { IsInterface: false }
        let alias = type.GetCustomAttribute<AliasAttribute>() ?? throw new InvalidOperationException($"{type} has no alias.")
        let json = Json.GetTypeInfo(type) ?? throw new InvalidOperationException($"{type} is missing from {nameof(EventJson)}.")
        select (type, alias.Alias, json);
}

/// <summary>JSON of the events. Names are for ever: an event of ten years ago is read by them.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IssueStored))]
[JsonSerializable(typeof(BeadStored))]
[JsonSerializable(typeof(BeadRemoved))]
[JsonSerializable(typeof(BeadClaimed))]
[JsonSerializable(typeof(BeadReleased))]
[JsonSerializable(typeof(ApiKeyIssued))]
[JsonSerializable(typeof(ApiKeyRevoked))]
[JsonSerializable(typeof(ApiKeyExpirySet))]
[JsonSerializable(typeof(ApiKeysEntered))]
[JsonSerializable(typeof(ApiKeyChanged))]
[JsonSerializable(typeof(ApiKeysUsed))]
[JsonSerializable(typeof(InviteMade))]
[JsonSerializable(typeof(InviteUsed))]
[JsonSerializable(typeof(InviteGivenBack))]
[JsonSerializable(typeof(InviteRevoked))]
[JsonSerializable(typeof(AuditNoted))]
[JsonSerializable(typeof(OutreachBegun))]
[JsonSerializable(typeof(OutreachSent))]
[JsonSerializable(typeof(OutreachSettled))]
[JsonSerializable(typeof(SlugTaken))]
[JsonSerializable(typeof(OriginUsed))]
[JsonSerializable(typeof(OriginLeft))]
[JsonSerializable(typeof(ProjectCreated))]
[JsonSerializable(typeof(ProjectChanged))]
[JsonSerializable(typeof(ProjectQuotasSet))]
[JsonSerializable(typeof(ProjectArchived))]
[JsonSerializable(typeof(ProjectUnarchived))]
[JsonSerializable(typeof(AgentJoined))]
[JsonSerializable(typeof(RoleGiven))]
[JsonSerializable(typeof(RepoAdded))]
[JsonSerializable(typeof(RepoRemoved))]
[JsonSerializable(typeof(WorkspaceOpened))]
[JsonSerializable(typeof(WorkspaceDeleted))]
[JsonSerializable(typeof(WorkspaceCleared))]
[JsonSerializable(typeof(RepoCleared))]
[JsonSerializable(typeof(WorkspaceRestored))]
[JsonSerializable(typeof(ProfileChanged))]
[JsonSerializable(typeof(EscalationCreated))]
[JsonSerializable(typeof(EscalationResponded))]
[JsonSerializable(typeof(EscalationExpired))]
[JsonSerializable(typeof(AgentChanged))]
[JsonSerializable(typeof(AgentDeregistered))]
[JsonSerializable(typeof(IdentityClaimed))]
[JsonSerializable(typeof(IdentityReset))]
[JsonSerializable(typeof(KeyRotated))]
[JsonSerializable(typeof(RotationAcknowledged))]
[JsonSerializable(typeof(AgentRetired))]
[JsonSerializable(typeof(ControlSignalled))]
[JsonSerializable(typeof(ControlTaken))]
[JsonSerializable(typeof(SubscriptionMade))]
[JsonSerializable(typeof(SubscriptionEnded))]
[JsonSerializable(typeof(NotifierAdvanced))]
[JsonSerializable(typeof(MailDelivered))]
[JsonSerializable(typeof(MailRead))]
[JsonSerializable(typeof(ChatStarted))]
[JsonSerializable(typeof(ChatMessageSent))]
[JsonSerializable(typeof(ChatRead))]
[JsonSerializable(typeof(ConversationsKept))]
[JsonSerializable(typeof(ReservationAcquired))]
[JsonSerializable(typeof(ReservationRenewed))]
[JsonSerializable(typeof(ReservationReleased))]
[JsonSerializable(typeof(ReservationEndsBounded))]
[JsonSerializable(typeof(PolicyCreated))]
[JsonSerializable(typeof(PolicyActivated))]
[JsonSerializable(typeof(WebhookRegistered))]
[JsonSerializable(typeof(WebhookRegisteredSealed))]
[JsonSerializable(typeof(WebhookSecretSealed))]
[JsonSerializable(typeof(WebhookDelivered))]
[JsonSerializable(typeof(WebhookFailed))]
[JsonSerializable(typeof(WebhookEnabled))]
[JsonSerializable(typeof(WebhookRemoved))]
[JsonSerializable(typeof(TaskCreated))]
[JsonSerializable(typeof(TaskDescribed))]
[JsonSerializable(typeof(TaskChanged))]
[JsonSerializable(typeof(TaskStatusChanged))]
[JsonSerializable(typeof(TaskDeleted))]
[JsonSerializable(typeof(TaskDependencyAdded))]
[JsonSerializable(typeof(TaskDependencyRemoved))]
[JsonSerializable(typeof(TaskPut))]
[JsonSerializable(typeof(TaskClaimSettled))]
[JsonSerializable(typeof(TaskCommented))]
[JsonSerializable(typeof(RequestAnswered))]
[JsonSerializable(typeof(RequestCarriedOut))]
[JsonSerializable(typeof(ContactAdded))]
[JsonSerializable(typeof(ContactRemoved))]
[JsonSerializable(typeof(AgentPublished))]
[JsonSerializable(typeof(RemoteSet))]
[JsonSerializable(typeof(RemoteRemoved))]
[JsonSerializable(typeof(PseudonymsKeyed))]
[JsonSerializable(typeof(AgentWithdrawn))]
[JsonSerializable(typeof(HiveOpened))]
[JsonSerializable(typeof(HiveViewKept))]
[JsonSerializable(typeof(HiveProfileNamed))]
[JsonSerializable(typeof(HiveProfileChanged))]
[JsonSerializable(typeof(HiveProfileFollows))]
[JsonSerializable(typeof(HiveProfileFollowed))]
[JsonSerializable(typeof(HiveProfileHiveNoted))]
[JsonSerializable(typeof(MeshEvent))]
[JsonSerializable(typeof(MeshInstanceMade))]
[JsonSerializable(typeof(HiveSyncGroupCreated))]
[JsonSerializable(typeof(HiveSyncGroupKeyed))]
[JsonSerializable(typeof(HiveSyncGroupShared))]
[JsonSerializable(typeof(PeerMet))]
[JsonSerializable(typeof(PeerAdvanced))]
[JsonSerializable(typeof(PeerNoted))]
[JsonSerializable(typeof(PeerReset))]
[JsonSerializable(typeof(PeerLeft))]
[JsonSerializable(typeof(SyncPeerEntered))]
[JsonSerializable(typeof(SyncPeerRemoved))]
[JsonSerializable(typeof(SyncSiteRefused))]
[JsonSerializable(typeof(ObjectStored))]
[JsonSerializable(typeof(CommitAdded))]
[JsonSerializable(typeof(HistoryBranchSet))]
[JsonSerializable(typeof(HistoryTagSet))]
[JsonSerializable(typeof(CommitModeSet))]
[JsonSerializable(typeof(MergeBegun))]
[JsonSerializable(typeof(ConflictResolved))]
[JsonSerializable(typeof(MergeAbandoned))]
internal sealed partial class EventJson : JsonSerializerContext;

/// <summary>
/// Something that happened in a grain: an immutable record named by its <c>[Alias]</c> (for example <c>bead.claimed.v1</c>),
/// kept for ever in the event log. A change of shape is a new type with a new version suffix.
/// </summary>
public interface IEvent;

/// <summary>
/// A request with an <c>Idempotency-Key</c> wrote the events before this one, which all have marks of their own: this one carries the
/// request's.
/// </summary>
[GenerateSerializer, Immutable, Alias("request.carried_out.v1")]
public sealed record RequestCarriedOut : IEvent;
