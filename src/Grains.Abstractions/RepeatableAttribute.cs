namespace Beadhub;

/// <summary>
/// Marks a grain's method that, called twice with the same arguments, leaves what one call leaves, and whose second answer serves a caller
/// as well as the first. When the first is lost with its node, the call is made again instead of failing.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RepeatableAttribute : Attribute;
