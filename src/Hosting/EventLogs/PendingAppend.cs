using System.Diagnostics;
using System.Text;
using Beadhub.EventLog;
using Beadhub.Feed;

namespace Beadhub.Hosting.EventLogs;

/// <summary>An append on its way to the store, and the task that its caller awaits.</summary>
/// <remarks>Continuations run elsewhere: the committer must never execute a caller's code.</remarks>
internal sealed class PendingAppend : TaskCompletionSource<AppendResult>
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public PendingAppend(StreamAppend append, CancellationToken cancellation)
        : base(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        if (append.Events.Count == 0) throw new ArgumentException("An append needs at least one event.", nameof(append));
        ArgumentOutOfRangeException.ThrowIfNegative(append.ExpectedVersion);
        Require(append.Project);
        Require(append.Stream.Kind);
        Require(append.Stream.Key);
        if (append.Snapshot is not null) Require(append.Snapshot);
        foreach (var @event in append.Events)
        {
            Require(@event.Type);
            Require(@event.Data);
            if (@event.Mark is null) continue;
            Require(@event.Mark);
            HasMarks = true;
        }
        if (append.AnyVersion && append.Events[0].Mark is null)
            throw new ArgumentException("An append at any version needs a mark.", nameof(append));
        Append = append;
        FirstVersion = append.ExpectedVersion + 1;
        Cancellation = cancellation;
        Cause = EventLogTraces.Cause;
    }

    public StreamAppend Append { get; }

    /// <summary>The appends on which this one rests.</summary>
    public IReadOnlyList<PendingAppend> Before { get; init; } = [];

    public CancellationToken Cancellation { get; }

    /// <summary>The trace it belongs to.</summary>
    public Activity? Cause { get; }

    /// <summary>Whether any of the events carries a mark.</summary>
    public bool HasMarks { get; }

    /// <summary>Payload in bytes of UTF-8.</summary>
    public int Size { get; private set; }

    /// <summary>Set by the writer: the feed position of the first event, 0 when the append was refused.</summary>
    public long FirstPosition { get; set; }

    /// <summary>The version of the first event: the one after the expected, or what the writer has found for an append at any
    /// version.</summary>
    public long FirstVersion { get; set; }

    /// <summary>The stream's version once the events are written where they were expected.</summary>
    public long NewVersion => Append.ExpectedVersion + Append.Events.Count;

    /// <summary>The time of an event as the stores keep it: UTC, whole microseconds.</summary>
    public DateTime At(int index)
    {
        var ticks = Append.Events[index].At.UtcTicks;
        return new DateTime(ticks - ticks % TimeSpan.TicksPerMicrosecond, DateTimeKind.Utc);
    }

    /// <summary>Whether an event that is found in the place of the first one is that one: another node's differs in its content or its
    /// time.</summary>
    public bool IsFirst(string type, string data, DateTime at) =>
        type == Append.Events[0].Type && data == Append.Events[0].Data && at == At(0);

    public void AddTo(List<FeedEvent> feed)
    {
        for (var i = 0; i < Append.Events.Count; i++)
        {
            var @event = Append.Events[i];
            feed.Add(new FeedEvent(
                Append.Project, FirstPosition + i, Append.Stream.Kind, Append.Stream.Key, FirstVersion + i,
                @event.Type, @event.Data, new DateTimeOffset(At(i))));
        }
    }

    // PostgreSQL refuses both, SQLite neither; a text that only one store can keep would make a log that cannot be moved. Caught here,
    // it spoils no batch.
    private void Require(string text)
    {
        if (text.Contains('\0'))
            throw new BadAppendException("A text to be stored contains the character U+0000; JSON writes it as \\u0000.");
        try
        {
            Size += Strict.GetByteCount(text);
        }
        catch (EncoderFallbackException broken)
        {
            throw new BadAppendException("A text to be stored contains half a surrogate pair; JSON writes it as \\ud8xx.", broken);
        }
    }
}
