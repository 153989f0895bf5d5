using Orleans.Local;
using Orleans.Runtime;

namespace Orleans;

/// <summary>The identity of a grain.</summary>
public static class GrainExtensions
{
    /// <summary>The key of a grain or of the grain that a reference points to.</summary>
    public static string GetPrimaryKeyString(this IAddressable grain) => grain switch
    {
        GrainReference reference => reference.Key,
        Grain instance => Activation.Of(instance).Key,
        null => throw new ArgumentNullException(nameof(grain)),
        _ => throw new ArgumentException($"{grain.GetType()} is neither a grain nor a reference to one.", nameof(grain)),
    };

    /// <inheritdoc cref="GetPrimaryKeyString(IAddressable)"/>
    public static string GetPrimaryKeyString(this IGrainBase grain) => Activation.Of(grain).Key;

    /// <inheritdoc cref="GetPrimaryKeyString(IAddressable)"/>
    public static string GetPrimaryKeyString(this Grain grain) => Activation.Of(grain).Key;
}
