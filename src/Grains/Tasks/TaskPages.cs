namespace Beadhub.Tasks;

/// <summary>Parts of a list of tasks. Pure.</summary>
internal static class TaskPages
{
    /// <summary>A part of a list; the list itself when it fits, so that the same object comes back.</summary>
    /// <param name="list">The list.</param>
    /// <param name="page">Which part.</param>
    /// <param name="byPriority">Whether the list is ordered by priority before the number.</param>
    public static TaskList Page(this TaskList list, TaskPage page, bool byPriority)
    {
        var first = 0;
        if (page.After is { } after)
            while (first < list.Tasks.Length && !IsAfter(list.Tasks[first], after)) first++;

        var end = first;
        for (long size = 0; end < list.Tasks.Length && end - first < page.Limit; end++)
        {
            size += Size(list.Tasks[end]);
            if (size > JsonSize.MaxPage && end > first) break;
        }

        if (first == 0 && end == list.Tasks.Length) return list;
        return new(list.Tasks[first..end], list.Total, end < list.Tasks.Length && end > first ? PlaceOf(list.Tasks[end - 1], byPriority)
            : null);
    }

    /// <summary>Whether a task stands after a place. Beads, which have no number, stand behind all native tasks.</summary>
    private static bool IsAfter(TaskSummary task, TaskCursor cursor)
    {
        if (cursor.Priority is { } priority && task.Priority != priority) return task.Priority > priority;
        if (cursor.BeadId is { } beadId) return task.TaskNumber is null && string.CompareOrdinal(task.TaskId, beadId) > 0;
        return task.TaskNumber is null || task.TaskNumber > cursor.Number;
    }

    private static TaskCursor PlaceOf(TaskSummary task, bool byPriority) =>
        new(byPriority ? task.Priority : null, task.TaskNumber, task.TaskNumber is null ? task.TaskId : null);

    private static int Size(TaskSummary task)
    {
        const int frame = 512; // ids, names of fields, times
        var size = frame + JsonSize.Of(task.TaskRef) + JsonSize.Of(task.Title) + JsonSize.Of(task.Status) + JsonSize.Of(task.TaskType)
            + JsonSize.Of(task.ParentTaskId);
        foreach (var label in task.Labels) size += JsonSize.Of(label) + 1;
        return size;
    }
}
