using Beadhub.EventLog;
using Beadhub.Grains.Tests.Projects;
using Beadhub.Tasks;

namespace Beadhub.Grains.Tests.Tasks;

/// <summary>Large texts are found in the log by their place, and read from there once.</summary>
public class TaskTextsTests
{
    private static readonly StreamKey Stream = new("tasks", "p");
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly FeedLog _log = new();
    private long _version;

    [Fact]
    public async Task A_text_is_read_from_its_place_once()
    {
        await Append(new TaskDescribed("a", 1, "D1", "N1", "x", Noon), new TaskDescribed("a", 2, null, "N2", "x", Noon));
        var texts = new TaskTexts(_log, Stream);
        var task = Task("a", new(1, 1), new(2, 2));

        (await texts.Of(task)).ShouldBe(("D1", "N2"));
        var asked = _log.Asked;
        (await texts.Of(task)).ShouldBe(("D1", "N2"));
        _log.Asked.ShouldBe(asked);
        (await texts.Of(Task("a", null, null))).ShouldBe(("", ""));
        _log.Asked.ShouldBe(asked);
    }

    [Fact]
    public async Task Events_of_a_later_version_of_the_program_do_not_hide_it()
    {
        for (var i = 0; i < 100; i++) await Append("task.unheard_of.v9", "{}");
        await Append(new TaskDescribed("b", 1, "other", null, "x", Noon), new TaskDescribed("a", 1, "old", null, "x", Noon),
            new TaskDescribed("a", 2, "new", null, "x", Noon));

        // A state that was folded without the unknown events takes the text to be in the third event.
        (await new TaskTexts(_log, Stream).Of(Task("a", new(2, 3), null))).Description.ShouldBe("new");
    }

    [Fact]
    public async Task A_text_that_is_not_there_is_an_error_and_not_an_empty_text()
    {
        await Append(new TaskDescribed("a", 1, "D1", null, "x", Noon));

        await Should.ThrowAsync<EventLogUnavailableException>(async () => await new TaskTexts(_log, Stream).Of(Task("a", new(2, 1), null)));
    }

    private async Task Append(params IEvent[] events)
    {
        foreach (var e in events) await Append(EventTypes.NameOf(e), EventTypes.Serialize(e));
    }

    private async Task Append(string type, string data) =>
        (await _log.Append(new("p", Stream, _version++, [new(type, data, Noon)], null))).Written.ShouldBeTrue();

    private static NativeTask Task(string id, TextPlace? description, TextPlace? notes) =>
        new(id, 1, "T", "open", 2, "task", [], null, null, "x", null, Noon, Noon, null, [], 2, description, notes);
}
