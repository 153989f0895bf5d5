using Xunit.v3;

namespace Beadhub.Gateway.Tests;

/// <summary>Names the line of the contract's checklist that a test asserts.</summary>
/// <param name="list">Which checklist: <c>beadhub</c> or <c>aweb</c>.</param>
/// <param name="line">The number of the line.</param>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class ChecklistAttribute(string list, int line) : Attribute, ITraitAttribute
{
    public string List => list;

    public int Line => line;

    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new("checklist", $"{list} {line}")];
}
