using System.Text.Json;
using Beadhub.EventLog;
using Beadhub.Publications;

namespace Beadhub.Grains.Tests.Publications;

/// <summary>What agents show of themselves.</summary>
public class PublicationBookTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private PublicationBook _book = PublicationBook.Empty;

    private int Do<T>(Decision<T> decision)
    {
        foreach (var e in decision.Events) _book = _book.Apply(e);
        return decision.Events.IsDefault ? 0 : decision.Events.Length;
    }

    [Fact]
    public void An_agent_is_shown_once_as_it_last_said_until_it_withdraws()
    {
        Do(_book.Publish(new("b", ["x"], "first"), Noon)).ShouldBe(1);
        Do(_book.Publish(new("a", [], ""), Noon)).ShouldBe(1);
        Do(_book.Publish(new("b", ["x"], "first"), Noon.AddDays(1))).ShouldBe(0);
        Do(_book.Publish(new("b", ["x", "y"], "second"), Noon.AddDays(1))).ShouldBe(1);

        _book = JsonSerializer.Deserialize(JsonSerializer.Serialize(_book, PublicationBook.Kind.Snapshot), PublicationBook.Kind.Snapshot)!;
        _book.List.Publications.Select(p => (p.AgentId, string.Join(',', p.Capabilities), p.Description, p.At))
            .ShouldBe([("a", "", "", Noon), ("b", "x,y", "second", Noon.AddDays(1))]);

        Do(_book.Withdraw("b", Noon)).ShouldBe(1);
        Do(_book.Withdraw("b", Noon)).ShouldBe(0);
        _book.List.Publications.ShouldHaveSingleItem().AgentId.ShouldBe("a");
    }
}
