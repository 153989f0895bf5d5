using System.Text.RegularExpressions;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>docs/events.md names every event that the streams show, and none that they do not.</summary>
public sealed partial class EventCatalogue
{
    [Fact]
    public void Every_event_of_the_streams_is_in_the_catalogue()
    {
        var root = ServerProcess.Root();
        var shown = Directory.EnumerateFiles(Path.Combine(root, "src/Gateway/Streaming"), "*.cs")
            .SelectMany(file => Shown().Matches(File.ReadAllText(file)))
            .Select(match => match.Groups[1].Value).ToHashSet();
        var named = Named().Matches(File.ReadAllText(Path.Combine(root, "docs/events.md"))).Select(match => match.Groups[1].Value)
            .ToHashSet();

        shown.Count.ShouldBeGreaterThan(10);
        named.ShouldBe(shown, ignoreOrder: true);
    }

    private const string Category = "(?:bead|chat|escalation|issue|lock|message|policy|project|reservation|task|webhook|workspace)";

    [GeneratedRegex($"\"({Category}\\.[a-z_]+)\"")]
    private static partial Regex Shown();

    [GeneratedRegex($@"(?m)^\| `({Category}\.[a-z_]+)` \|")]
    private static partial Regex Named();
}
