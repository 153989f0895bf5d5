using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Beadhub.Beads;
using Beadhub.EventLog;

namespace Beadhub.Subscriptions;

/// <summary>The subscriptions of a project, by id and by bead. Pure.</summary>
public sealed class SubscriptionBook : IEventSourced<SubscriptionBook>
{
    /// <summary>Most subscriptions that one workspace may have at a time.</summary>
    public const int MaxOfWorkspace = 10_000;

    private const int SnapshotEvery = 64;

    private readonly ImmutableDictionary<string, ImmutableArray<Subscription>> _byBead;
    private readonly ImmutableDictionary<string, int> _ofWorkspace; // how many each has
    private WatchedBeads? _watched;

    /// <summary>A book of these subscriptions by id.</summary>
    [JsonConstructor]
    public SubscriptionBook(ImmutableDictionary<string, Subscription> byId)
        : this(
            byId,
            byId.Values.GroupBy(s => BeadOf(s.BeadId)).ToImmutableDictionary(g => g.Key, g => g.ToImmutableArray()),
            byId.Values.CountBy(s => s.WorkspaceId).ToImmutableDictionary()) { }

    private SubscriptionBook(
        ImmutableDictionary<string, Subscription> byId, ImmutableDictionary<string, ImmutableArray<Subscription>> byBead,
        ImmutableDictionary<string, int> ofWorkspace) =>
        (ById, _byBead, _ofWorkspace) = (byId, byBead, ofWorkspace);

    /// <inheritdoc/>
    public static SubscriptionBook Empty { get; } = new(ImmutableDictionary<string, Subscription>.Empty);

    /// <inheritdoc/>
    public static StreamKind<SubscriptionBook> Kind { get; } =
        new("subscriptions", SubscriptionBookJson.Default.SubscriptionBook, SnapshotEvery, key => key)
    {
        // A snapshot holds all of them: made as seldom as there are many, its cost stays in proportion to what was written.
        EventsOf = static book => book.ById.Count / 2,
    };

    /// <summary>All of them by id.</summary>
    public ImmutableDictionary<string, Subscription> ById { get; }

    /// <summary>The beads that somebody wants to hear of.</summary>
    [JsonIgnore]
    public WatchedBeads Watched => _watched ??= new([.. _byBead.Keys]);

    /// <inheritdoc/>
    public SubscriptionBook Apply(IEvent @event)
    {
        switch (@event)
        {
            case SubscriptionMade e:
                var types = e.EventTypes.IsDefault ? [] : e.EventTypes;
                return With(ById.TryGetValue(e.SubscriptionId, out var known)
                    ? known with { EventTypes = types }
                    : new(e.SubscriptionId, e.WorkspaceId, e.BeadId, e.Repo, types, e.At));
            case SubscriptionEnded e when ById.TryGetValue(e.SubscriptionId, out var ended):
                var bead = BeadOf(ended.BeadId);
                var others = _byBead[bead].Remove(ended);
                var left = _ofWorkspace[ended.WorkspaceId] - 1;
                return new(
                    ById.Remove(ended.Id),
                    others.IsEmpty ? _byBead.Remove(bead) : _byBead.SetItem(bead, others),
                    left == 0 ? _ofWorkspace.Remove(ended.WorkspaceId) : _ofWorkspace.SetItem(ended.WorkspaceId, left));
            default:
                return this;
        }
    }

    /// <summary>Subscribes (contract 12.1).</summary>
    public Decision<Subscription> Subscribe(SubscribeToBead command, DateTimeOffset now)
    {
        var known = For(BeadOf(command.BeadId)).FirstOrDefault(s =>
            s.WorkspaceId == command.WorkspaceId && s.BeadId == command.BeadId && (s.Repo ?? "") == (command.Repo ?? ""));
        if (known is not null && known.EventTypes.SequenceEqual(command.EventTypes)) return Decision.None(known);
        if (known is null && _ofWorkspace.GetValueOrDefault(command.WorkspaceId) >= MaxOfWorkspace)
            throw new RefusedException(RefusalKind.Conflict, $"Too many subscriptions: a workspace has at most {MaxOfWorkspace}");
        var made = new SubscriptionMade(known?.Id ?? command.SubscriptionId, command.WorkspaceId, command.BeadId, command.Repo,
            command.EventTypes, now);
        return Decision.Accept(Apply(made).ById[made.SubscriptionId], made);
    }

    /// <summary>Ends a subscription (contract 12.3).</summary>
    public Decision<bool> Unsubscribe(string workspaceId, string subscriptionId, DateTimeOffset now) =>
        ById.TryGetValue(subscriptionId, out var known) && known.WorkspaceId == workspaceId
            ? Decision.Accept(true, new SubscriptionEnded(subscriptionId, workspaceId, now))
            : throw new RefusedException(RefusalKind.NotFound, "Subscription not found");

    /// <summary>The subscriptions of a workspace, newest first.</summary>
    public SubscriptionList Of(string workspaceId) =>
        new([.. ById.Values.Where(s => s.WorkspaceId == workspaceId).OrderByDescending(s => s.CreatedAt)
            .ThenBy(s => s.Id, StringComparer.Ordinal)]);

    /// <summary>Who wants to hear of a change, each once, and what (contract 12.4). A subscription without a repository matches every
    /// one.</summary>
    public IEnumerable<(string WorkspaceId, ImmutableArray<string> Changes)> Subscribers(string beadId, IIssueStored change)
    {
        ImmutableArray<string> changed = [.. Changes(change)];
        if (changed.IsEmpty) return [];
        return For(beadId).Where(s => Matches(s, change.Repo))
            .GroupBy(s => s.WorkspaceId, StringComparer.Ordinal)
            .Select(of =>
                (of.Key, Changes: changed.Where(type =>
                of.Any(s => s.EventTypes.Contains(type) || s.EventTypes.Contains(SubscribedEvents.All))).ToImmutableArray()))
            .Where(subscriber => !subscriber.Changes.IsEmpty)
            .OrderBy(subscriber => subscriber.Key, StringComparer.Ordinal);
    }

    private static IEnumerable<string> Changes(IIssueStored change)
    {
        // An issue that is new, or had no status, has none to change (contract 12.4).
        if (change is { ChangesStatus: true, OldStatus.Length: > 0 }) yield return SubscribedEvents.Status;
        if (change.Before is not { } before) yield break;
        if (before.Priority != change.After?.Priority) yield return SubscribedEvents.Priority;
        if (before.Assignee != change.After?.Assignee) yield return SubscribedEvents.Assignee;
    }

    /// <summary>A bead's name may carry its repository: the canonical origin, or the last part of it.</summary>
    private static bool Matches(Subscription subscription, string repo)
    {
        if (!string.IsNullOrEmpty(subscription.Repo) && subscription.Repo != repo) return false;
        var colon = subscription.BeadId.IndexOf(':');
        if (colon < 0) return true;
        var name = subscription.BeadId.AsSpan(0, colon);
        return repo.AsSpan().EndsWith(name) && (repo.Length == name.Length || repo[^(name.Length + 1)] == '/');
    }

    private static string BeadOf(string beadId) => beadId[(beadId.IndexOf(':') + 1)..];

    private ImmutableArray<Subscription> For(string beadId) => _byBead.GetValueOrDefault(beadId, []);

    private SubscriptionBook With(Subscription subscription)
    {
        var bead = BeadOf(subscription.BeadId);
        return new(
            ById.SetItem(subscription.Id, subscription),
            _byBead.SetItem(bead, [.. For(bead).Where(s => s.Id != subscription.Id), subscription]),
            ById.ContainsKey(subscription.Id)
                ? _ofWorkspace
                : _ofWorkspace.SetItem(subscription.WorkspaceId, _ofWorkspace.GetValueOrDefault(subscription.WorkspaceId) + 1));
    }
}

/// <summary>JSON of the snapshot.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SubscriptionBook))]
internal sealed partial class SubscriptionBookJson : JsonSerializerContext;
