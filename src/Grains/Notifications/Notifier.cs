using System.Text.Json.Serialization;
using Beadhub.EventLog;

namespace Beadhub.Notifications;

/// <summary>How far a project's changes have been turned into mail. Pure.</summary>
/// <param name="Position">Position in the feed up to which all mail is delivered; 0 before the first subscription.</param>
/// <param name="SubscriptionsVersion">Version of the subscriptions at that position.</param>
public sealed record Notifier(long Position, long SubscriptionsVersion) : IEventSourced<Notifier>
{
    /// <inheritdoc/>
    public static Notifier Empty { get; } = new(0, 0);

    /// <inheritdoc/>
    public static StreamKind<Notifier> Kind { get; } = new("notifier", NotifierJson.Default.Notifier, SnapshotEvery: 16, key => key);

    /// <inheritdoc/>
    public Notifier Apply(IEvent @event) => @event is NotifierAdvanced e ? new(e.Position, e.SubscriptionsVersion) : this;

    /// <summary>Starts at the end of the feed, or jumps there over what cannot concern anybody: there was no subscription all the
    /// time.</summary>
    /// <param name="head">End of the feed.</param>
    /// <param name="subscriptionsVersion">Version of the subscriptions at which there is none, reached before the end was read.</param>
    public Decision<bool> Begin(long head, long subscriptionsVersion) =>
        Position == 0 && subscriptionsVersion == 0 || Position > 0 && SubscriptionsVersion == subscriptionsVersion
            ? Advance(head, subscriptionsVersion)
            : Decision.None(false);

    /// <summary>All mail up to a position is delivered. Another node may be further already.</summary>
    public Decision<bool> Advance(long position, long subscriptionsVersion) =>
        position > Position ? Decision.Accept(true, new NotifierAdvanced(position, subscriptionsVersion)) : Decision.None(false);
}

/// <summary>JSON of the snapshot.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Notifier))]
internal sealed partial class NotifierJson : JsonSerializerContext;
