using System.Collections.Immutable;
using Beadhub.EventLog;
using Beadhub.Workspaces;

namespace Beadhub.Projects;

/// <summary>
/// The profiles of a project's workspaces in memory, so that lists need no look-up a workspace. Each workspace keeps its own stream;
/// this index is read from those streams once, told of the changes that its project makes, and follows the feed while other nodes may write.
/// </summary>
internal sealed class ProfileIndex(IEventLog log, string projectId)
{
    private const int PageSize = 512;

    // Further behind than this, reading all profiles again is cheaper than reading the feed, most of which is about beads.
    private const long FeedLimit = 4096;

    private readonly SemaphoreSlim _catchingUp = new(1, 1);
    private readonly Lock _changing = new();
    private long _doubts; // times that it was doubted
    private volatile Known _known = new(ImmutableDictionary<string, Profile>.Empty, Position: 0, Epoch: Untrusted);

    private const long Untrusted = -1;

    private sealed record Known(ImmutableDictionary<string, Profile> Profiles, long Position, long Epoch);

    /// <summary>Reads all profiles.</summary>
    public async Task Load(CancellationToken cancellation = default)
    {
        await _catchingUp.WaitAsync(cancellation);
        try
        {
            await LoadAll(log.ExclusiveEpoch, Interlocked.Read(ref _doubts), cancellation);
        }
        finally
        {
            _catchingUp.Release();
        }
    }

    /// <summary>The profiles by workspace id; without waiting while this process is the only writer.</summary>
    public ValueTask<ImmutableDictionary<string, Profile>> Newest()
    {
        var known = _known;
        return known.Epoch > 0 && known.Epoch == log.ExclusiveEpoch ? new(known.Profiles) : AfterCatchingUp();

        async ValueTask<ImmutableDictionary<string, Profile>> AfterCatchingUp()
        {
            await CatchUp();
            return _known.Profiles;
        }
    }

    /// <summary>Notes a workspace's profile unless a newer one is known.</summary>
    public void Set(string workspaceId, Profile profile)
    {
        lock (_changing)
        {
            var known = _known;
            if (known.Profiles.TryGetValue(workspaceId, out var other) && other.UpdatedAt >= profile.UpdatedAt) return;
            _known = known with { Profiles = known.Profiles.SetItem(workspaceId, profile) };
        }
    }

    /// <summary>Notes that a change may have been made or not, so that the next read looks.</summary>
    public void Doubt()
    {
        lock (_changing)
        {
            _doubts++;
            _known = _known with { Epoch = Untrusted };
        }
    }

    private async ValueTask CatchUp()
    {
        await _catchingUp.WaitAsync();
        try
        {
            // Before the look: what is doubted during it stays so.
            var (epoch, doubts) = (log.ExclusiveEpoch, Interlocked.Read(ref _doubts));
            var head = await log.Head(projectId);
            if (head - _known.Position > FeedLimit)
            {
                await LoadAll(epoch, doubts, CancellationToken.None);
                return;
            }

            while (_known.Position < head)
            {
                var page = await log.ReadFeed(projectId, _known.Position, PageSize);
                if (page.Count == 0) break;
                foreach (var e in page)
                {
                    if (e.Kind == Workspace.Kind.Name && EventTypes.Parse(e.Type, e.Data) is ProfileChanged changed)
                        Set(Workspace.IdOf(e.Key), changed.Profile);
                }

                Reach(page[^1].Position);
            }

            Reach(head, epoch, doubts);
        }
        finally
        {
            _catchingUp.Release();
        }
    }

    private async Task LoadAll(long epoch, long doubts, CancellationToken cancellation)
    {
        // The position first: what is written while the streams are read is then read again from the feed, not missed.
        var position = await log.Head(projectId, cancellation);
        await foreach (var stream in log.LoadAll<Workspace>(projectId, cancellation))
            Set(Workspace.IdOf(stream.Key), stream.Fold<Workspace>().Profile);
        Reach(position, epoch, doubts);
    }

    private void Reach(long position)
    {
        lock (_changing) _known = _known with { Position = Math.Max(position, _known.Position) };
    }

    private void Reach(long position, long epoch, long doubts)
    {
        lock (_changing) _known = _known with { Position = Math.Max(position, _known.Position), Epoch = doubts == _doubts ? epoch : Untrusted };
    }
}
