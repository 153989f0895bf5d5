using Orleans.Runtime;

namespace Beadhub;

/// <summary>
/// Marks a grain's method that, called twice with the same arguments, leaves what one call leaves, and whose second answer serves a caller
/// as well as the first. When the first is lost with its node, the call is made again instead of failing.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RepeatableAttribute : Attribute;

/// <summary>
/// A call that is made again because the first one's answer was lost, which travels with it: so a grain knows that what it finds done may
/// have been done for this very call.
/// </summary>
internal static class RepeatedCall
{
    private const string Name = "beadhub.repeated_call";

    /// <summary>Whether the caller runs for such a call.</summary>
    public static bool IsServed => RequestContext.Get(Name) is true;

    /// <summary>The calls that follow are such calls.</summary>
    public static void Begin() => RequestContext.Set(Name, true);
}
