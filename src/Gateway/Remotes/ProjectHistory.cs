using System.Runtime.CompilerServices;
using Beadhub.History;
using Beadhub.Remotes;

namespace Beadhub.Gateway.Remotes;

/// <summary>The history of a project of this server.</summary>
internal sealed class ProjectHistory(IHistoryGrain history, HistoryAuthor by) : ILocalHistory
{
    private const string Main = "main";
    private const int PageCharacters = 4 * 1024 * 1024;
    private const int AncestorsOfPage = 200;
    private const int MostAsked = 10;

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<string, ObjectHash>> Heads(CancellationToken cancellation) =>
        (await history.Refs(tags: false)).Refs.ToDictionary(static branch => branch.Name, static branch => branch.Commit);

    /// <inheritdoc/>
    public async Task<IReadOnlySet<ObjectHash>> Known(IReadOnlyCollection<ObjectHash> commits, CancellationToken cancellation) =>
        (await history.Objects([.. commits])).Where(static found => found.Text.StartsWith("commit\n", StringComparison.Ordinal))
            .Select(static found => found.Id).ToHashSet();

    /// <inheritdoc/>
    public IAsyncEnumerable<Pack> Send(ObjectHash wanted, IHistorySite to, CancellationToken cancellation) =>
        Pack.Fill(Objects(wanted, to, cancellation));

    /// <inheritdoc/>
    public async Task<bool> Take(Pack pack, CancellationToken cancellation)
    {
        try
        {
            await history.Receive([.. pack.Named().Select(static one => new HistoryObject(one.Name, one.Text))]);
            return true;
        }
        catch (RefusedException e)
        {
            throw new RemoteException($"the remote sent what is no history: {e.Message}", RemoteFault.Damaged, e);
        }
    }

    /// <inheritdoc/>
    public async Task<MoveOutcome> Move(BranchMove move, CancellationToken cancellation)
    {
        ObjectHash? there = (await Heads(cancellation)).TryGetValue(move.Branch, out var head) ? head : null;
        if (there == move.Next) return MoveOutcome.Moved;
        if (there != move.Expected) return MoveOutcome.Overtaken;
        if (there is { } before && !await Follows(move.Next, before, cancellation)) return MoveOutcome.NotForward;
        if (move.Branch != Main)
        {
            try
            {
                await history.SetRef(new(by, IsTag: false, move.Branch, move.Next.ToString(), Moves: true, Expected: there ?? default));
                return MoveOutcome.Moved;
            }
            catch (RefusedException e) when (e.Kind == RefusalKind.Conflict)
            {
                return MoveOutcome.Overtaken;
            }
        }

        // What stands goes along with main: what is not committed yet would make a merge of it, which is for its own people to make.
        var outcome = await history.Merge(new(by, move.Next.ToString(), null, OnlyForward: true));
        return outcome.Commit == move.Next ? MoveOutcome.Moved : MoveOutcome.Overtaken;
    }

    /// <inheritdoc/>
    public async Task<bool> Remove(string branch, CancellationToken cancellation)
    {
        try
        {
            await history.SetRef(new(by, IsTag: false, branch, null));
            return true;
        }
        catch (RefusedException e) when (e.Kind == RefusalKind.NotFound)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public async Task<bool> Follows(ObjectHash commit, ObjectHash ancestor, CancellationToken cancellation)
    {
        if (commit == ancestor) return true;
        if ((await Known([ancestor], cancellation)).Count == 0) return false;
        // Missing is what leads to the one and not to the other: who has nothing more to send for the ancestor follows it.
        return (await history.Missing(new([ancestor], [commit], 0, 1))).Commits == 0;
    }

    /// <inheritdoc/>
    public async Task Track(string remote, string branch, ObjectHash commit, CancellationToken cancellation)
    {
        if ((await Known([commit], cancellation)).Count == 0)
            throw new RefusedException(RefusalKind.Conflict,
                $"What was sent does not hold commit {commit}, which the remote says is its {branch}: it is damaged, or lies");
        await history.SetRef(new(by, IsTag: false, $"{remote}/{branch}", commit.ToString(), Moves: true));
    }

    private async IAsyncEnumerable<string> Objects(ObjectHash wanted, IHistorySite to,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        IReadOnlySet<ObjectHash> known = new HashSet<ObjectHash>();
        for (var asked = 0; asked < MostAsked && known.Count == 0; asked++)
        {
            var page = await history.Commits(new(wanted.ToString(), AncestorsOfPage, asked * AncestorsOfPage));
            known = await to.Known([.. page.Commits.Select(static commit => commit.Id)], cancellation);
            if (!page.HasMore) break;
        }

        var skip = 0;
        for (int? after = 0; after is { } at;)
        {
            var page = await history.Missing(new([wanted], [.. known], at, PageCharacters, skip));
            foreach (var found in page.Objects) yield return found.Text;
            (after, skip) = (page.Next, page.NextSkip);
        }
    }
}
