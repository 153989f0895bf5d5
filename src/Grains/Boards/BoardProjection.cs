using Beadhub.Beads;
using Beadhub.EventLog;
using Beadhub.Feed;

namespace Beadhub.Boards;

/// <summary>A project's <see cref="Board"/> in memory: rebuilt from the beads when it starts, then told of the changes that the board's
/// grain makes, and of others' by the feed.</summary>
internal sealed class BoardProjection(IEventLog log, string project) : FeedProjection<Board>(log, project, Board.Empty(project))
{
    /// <summary>Beads that are loaded or shown at once.</summary>
    public const int LoadBatch = 10_000;

    /// <summary>Puts what beads became into the index, in one swap; the newest version of each counts.</summary>
    public void Show(IEnumerable<BeadView> beads) => Change(board => board.With(beads));

    /// <summary>Reads a bead.</summary>
    public async ValueTask<BeadView> Read(string beadId) => View(await Log.Load<Bead>(IBeadGrain.Key(Project, beadId)));

    /// <inheritdoc/>
    protected override bool IsLoadingLess(long events) => events > 2 * State.Beads.Count + 10 * PageSize;

    /// <inheritdoc/>
    /// <remarks>The position is read first: what is written meanwhile is met again in the feed and skipped by its version.</remarks>
    protected override async ValueTask Load(CancellationToken cancellation)
    {
        var position = await Log.Head(Project, cancellation);
        var views = new List<BeadView>(LoadBatch);
        await foreach (var stream in Log.LoadAll<Bead>(Project, cancellation))
        {
            views.Add(View(stream));
            if (views.Count < LoadBatch) continue;

            // The streams with their lines must not all be in memory at once.
            Show(views);
            views.Clear();
        }

        Change(board => board.With(views), position);
    }

    /// <inheritdoc/>
    protected override async ValueTask Take(IReadOnlyList<FeedEvent> page, CancellationToken cancellation)
    {
        var board = State;
        var changed = new Dictionary<string, BeadView>(StringComparer.Ordinal);
        foreach (var @event in page)
        {
            if (@event.Kind != Bead.Kind.Name) continue;
            var id = Bead.IdOf(@event.Key);
            var view = changed.GetValueOrDefault(id) ?? board.Beads.GetValueOrDefault(id) ?? Bead.Empty.View(id, 0);
            if (@event.Version <= view.Version) continue;
            changed[id] = @event.Version > view.Version + 1
                ? View(await Log.Load<Bead>(@event.Key, cancellation))
                : Bead.Of(view).Apply(EventTypes.Parse(@event.Type, @event.Data) ?? UnknownEvent.Instance).View(id, @event.Version);
        }

        Change(board => board.With(changed.Values), page[^1].Position);
    }

    private static BeadView View(StoredStream stream) => stream.Fold<Bead>().View(Bead.IdOf(stream.Key), stream.Version);
}
