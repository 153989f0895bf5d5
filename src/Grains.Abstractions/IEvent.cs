namespace Beadhub;

/// <summary>
/// Something that happened in a grain: an immutable record named by its <c>[Alias]</c> (for example <c>bead.claimed.v1</c>),
/// kept for ever in the event log. A change of shape is a new type with a new version suffix.
/// </summary>
public interface IEvent;
