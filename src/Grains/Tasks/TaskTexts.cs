using System.Collections.Concurrent;
using Beadhub.EventLog;

namespace Beadhub.Tasks;

/// <summary>
/// The large texts of a project's tasks, read from the log when somebody asks. What was read or written lately is kept, up to some millions
/// of characters: an event never changes.
/// </summary>
internal sealed class TaskTexts(IEventLog log, StreamKey stream)
{
    private const int MaxKept = 4 * 1024 * 1024;
    private const int Page = 64;

    private readonly ConcurrentDictionary<(string TaskId, int Revision), TaskDescribed> _kept = new();
    private int _size;

    /// <summary>A task's description and notes.</summary>
    public async ValueTask<(string Description, string Notes)> Of(NativeTask task)
    {
        var description = task.Description is { } one ? (await Find(task.Id, one)).Description : null;
        var notes = task.Notes is { } other ? (await Find(task.Id, other)).Notes : null;
        return (description ?? "", notes ?? "");
    }

    private async ValueTask<TaskDescribed> Find(string taskId, TextPlace place)
    {
        if (_kept.TryGetValue((taskId, place.Revision), out var known)) return known;

        // The place is exact unless the stream holds events that only a later version of the program knows: then the text comes that much
        // later.
        var after = place.Version - 1;
        for (var count = 1; ; count = Page)
        {
            var events = await log.ReadStream(stream, after, count);
            if (events.Count == 0)
                throw new EventLogUnavailableException($"{stream} has no text of revision {place.Revision} for task {taskId}.");
            foreach (var stored in events)
                if (TextsOf(EventTypes.Parse(stored.Type, stored.Data)) is { } found && found.TaskId == taskId
                    && found.Revision == place.Revision) return Keep(found);
            after = events[^1].Version;
        }
    }

    private static TaskDescribed? TextsOf(IEvent? @event) => @event switch
    {
        TaskDescribed described => described,
        TaskPut put when TaskLine.Parse(put.Line) is { } line =>
            new(put.TaskId, put.Revision, line.Description, line.Notes, put.AgentId ?? "", put.At),
        _ => null,
    };

    private TaskDescribed Keep(TaskDescribed text)
    {
        var size = (text.Description?.Length ?? 0) + (text.Notes?.Length ?? 0);
        if (Interlocked.Add(ref _size, size) > MaxKept)
        {
            _kept.Clear();
            Interlocked.Exchange(ref _size, size);
        }

        _kept[(text.TaskId, text.Revision)] = text;
        return text;
    }
}
