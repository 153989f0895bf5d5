using Xunit.v3;

namespace Beadhub.Gateway.Tests.Stores;

/// <summary>
/// What is tested here does not depend on the store (requests refused before anything is read or written, formats, settings of the
/// gateway): it runs once, on the embedded database, and not again on PostgreSQL or through the balancer of a cluster.
/// </summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Class)]
public sealed class OnAnyStoreAttribute : Attribute, ITraitAttribute
{
    /// <summary>The trait of such tests, for runs that leave them out.</summary>
    public const string Trait = "store", Value = "any";

    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new(Trait, Value)];
}
