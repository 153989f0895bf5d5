using Beadhub.History;

namespace Beadhub.Remotes;

/// <summary>What a push or a fetch did.</summary>
/// <param name="Commit">Where the branch is; null when there is none.</param>
/// <param name="Packs">Packs that were sent.</param>
/// <param name="Skipped">Packs that were there already, from a transfer that was cut off.</param>
/// <param name="Objects">Objects in those that were sent.</param>
public sealed record Transferred(ObjectHash? Commit, int Packs, int Skipped, int Objects);

/// <summary>Carries a branch from one site to another.</summary>
/// <param name="progress">Told how far it is.</param>
/// <param name="time">The clock of the back-off.</param>
public sealed class Transfer(Action<string> progress, TimeProvider time)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250), Longest = TimeSpan.FromSeconds(30);

    /// <summary>Sends what a remote lacks of a branch, and moves its branch there.</summary>
    /// <exception cref="RemoteException">The remote has commits that are not here; somebody else was faster; it cannot be used.</exception>
    public async Task<Transferred> Push(ILocalHistory from, IHistorySite to, string branch, CancellationToken cancellation)
    {
        if (!(await from.Heads(cancellation)).TryGetValue(branch, out var head))
            throw new RemoteException($"branch {branch} has no commit yet: make one with 'beadhub history commit'", RemoteFault.NotFound);
        var heads = await Try(() => to.Heads(cancellation), cancellation);
        ObjectHash? there = heads.TryGetValue(branch, out var found) ? found : null;
        if (there == head) return new(head, 0, 0, 0);
        if (there is { } other && !await from.Follows(head, other, cancellation))
            throw NotForward(branch);
        int sent = 0, skipped = 0, objects = 0;
        var packs = new List<string>();
        await foreach (var pack in from.Send(head, to, cancellation))
        {
            packs.Add(pack.Name);
            if (await Try(() => to.Take(pack, cancellation), cancellation))
            {
                sent++;
                objects += pack.Objects.Length;
            }
            else skipped++;
            progress($"sent {sent} packs, {objects} objects" + (skipped > 0 ? $"; {skipped} were there" : ""));
        }

        return await Try(() => to.Move(new(branch, there, head, packs), cancellation), cancellation) switch
        {
            MoveOutcome.Moved => new(head, sent, skipped, objects),
            MoveOutcome.NotForward => throw NotForward(branch),
            _ => throw new RemoteException($"somebody else has pushed to {branch} meanwhile: pull, then push again",
                RemoteFault.Overtaken),
        };
    }

    /// <summary>Brings what a project lacks of a remote's branch, and notes where that is.</summary>
    public async Task<Transferred> Fetch(IHistorySite from, ILocalHistory to, string remote, string branch, CancellationToken cancellation)
    {
        if (!(await Try(() => from.Heads(cancellation), cancellation)).TryGetValue(branch, out var head)) return new(null, 0, 0, 0);
        int packs = 0, objects = 0;
        if ((await to.Known([head], cancellation)).Count == 0)
        {
            // A stream that breaks off is asked for again from its beginning; what was taken is not taken twice.
            await Try(async () =>
            {
                (packs, objects) = (0, 0);
                await foreach (var pack in from.Send(head, to, cancellation))
                {
                    await to.Take(pack, cancellation);
                    packs++;
                    objects += pack.Objects.Length;
                    progress($"received {packs} packs, {objects} objects");
                }

                return true;
            }, cancellation);
        }

        await to.Track(remote, branch, head, cancellation);
        return new(head, packs, 0, objects);
    }

    private static RemoteException NotForward(string branch) => new(
        $"the remote's {branch} has commits that are not here: pull first, which merges them, then push again", RemoteFault.NotForward);

    /// <summary>Again, later and later, as long as it may help and 30 seconds have not passed.</summary>
    private async Task<T> Try<T>(Func<Task<T>> call, CancellationToken cancellation)
    {
        var since = time.GetTimestamp();
        for (var pause = FirstPause; ; pause *= 2)
        {
            try
            {
                return await call();
            }
            catch (RemoteException e) when (e.Kind == RemoteFault.Transient && time.GetElapsedTime(since) + pause < Longest)
            {
                progress($"{e.Message}; trying again in {pause.TotalSeconds:0.#} s");
                await Task.Delay(pause, time, cancellation);
            }
        }
    }
}
