using Orleans;

namespace Beadhub;

/// <summary>
/// Something that happened in a grain: an immutable record named by its <c>[Alias]</c> (for example <c>bead.claimed.v1</c>),
/// kept for ever in the event log. A change of shape is a new type with a new version suffix.
/// </summary>
public interface IEvent;

/// <summary>
/// A request with an <c>Idempotency-Key</c> wrote the events before this one, which all have marks of their own: this one carries the request's.
/// </summary>
[GenerateSerializer, Immutable, Alias("request.carried_out.v1")]
public sealed record RequestCarriedOut : IEvent;
