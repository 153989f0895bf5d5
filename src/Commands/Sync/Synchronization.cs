namespace Beadhub.Commands.Sync;

/// <summary>Where this machine keeps its issues.</summary>
internal interface IIssueStore
{
    /// <summary>What to call it.</summary>
    string Name { get; }

    /// <summary>All issues as they are now.</summary>
    Task<Dictionary<string, IssueLine>> Read(CancellationToken cancellation);

    /// <summary>Adds or replaces issues, and deletes some.</summary>
    Task Write(IReadOnlyList<IssueLine> lines, IReadOnlyList<string> deleted, CancellationToken cancellation);
}

/// <summary>The issues at the server.</summary>
internal interface IIssueHub
{
    /// <summary>All issues as they are now.</summary>
    Task<Dictionary<string, IssueLine>> Read(CancellationToken cancellation);

    /// <summary>Replaces and deletes issues that are still what was seen; answers the ids of others.</summary>
    Task<IReadOnlySet<string>> Write(IReadOnlyList<IssueLine> lines, IReadOnlyList<string> deleted, IReadOnlyList<IssueLine> seen,
        CancellationToken cancellation);
}

/// <summary>What a sync did.</summary>
internal sealed record SyncReport
{
    public HashSet<string> Pushed { get; } = [];

    public HashSet<string> Taken { get; } = [];

    public HashSet<string> DeletedAtHub { get; } = [];

    public HashSet<string> DeletedHere { get; } = [];

    public List<FieldConflict> Conflicts { get; } = [];

    /// <summary>Beads of which this machine's store did not take some fields.</summary>
    public SortedDictionary<string, string[]> NotTaken { get; } = [];

    /// <summary>Beads that the store does not show, or shows still, after it was written.</summary>
    public HashSet<string> NotShown { get; } = [];

    /// <summary>Beads that both sides went on changing.</summary>
    public List<string> Left { get; } = [];
}

/// <summary>
/// Brings a store and the hub together, from whatever each of them has become. What is written anywhere is written only over what was seen:
/// the hub compares (<c>based_on</c>), the store is read again right before, and once more after, which proves what it took.
/// </summary>
/// <param name="store">This machine's issues.</param>
/// <param name="hub">The server's.</param>
/// <param name="mayDeleteMany">Whether most of the issues may be deleted in one sync.</param>
/// <param name="progress">Says how far it is.</param>
internal sealed class Synchronization(IIssueStore store, IIssueHub hub, bool mayDeleteMany, Action<string> progress)
{
    private const int Rounds = 6;
    private const int Few = 5;

    /// <summary>Syncs; afterwards <paramref name="synced"/> says what both sides agree on.</summary>
    /// <param name="synced">What they last agreed on.</param>
    /// <param name="save">Keeps it; called after each round, so that a sync that is cut off goes on from there.</param>
    /// <param name="cancellation">Gives up, between two writes.</param>
    /// <exception cref="CommandException">Most of the issues are gone on one side, which looks like an accident.</exception>
    public async Task<SyncReport> Run(Dictionary<string, SyncedIssue> synced, Action save, CancellationToken cancellation)
    {
        var report = new SyncReport();
        for (var round = 1; ; round++)
        {
            progress($"reading {store.Name} and the hub …");
            var remote = await hub.Read(cancellation);
            var local = await store.Read(cancellation);
            var steps = SyncPlan.Of(synced, local, remote);
            // What the store does not show though it was given it is not given again, and has not been deleted here.
            var work = steps.Where(step => step.IsWork && !report.NotShown.Contains(step.Id)).ToArray();
            GuardDeletions(synced.Count, work);
            foreach (var step in steps.Where(static step => !step.IsWork)) Agree(synced, step);
            if (work.Length == 0)
            {
                save();
                return report;
            }

            if (round > Rounds)
            {
                report.Left.AddRange(work.Select(static step => step.Id));
                save();
                return report;
            }

            work = await ToHub(work, report, cancellation);
            await ToStore(work, synced, report, cancellation);
            save();
        }
    }

    private void GuardDeletions(int known, SyncStep[] work)
    {
        if (mayDeleteMany) return;
        Guard(work.Count(static step => step.DeleteAtHub), store.Name, "at the hub");
        Guard(work.Count(static step => step.DeleteHere), "the hub", "here");

        void Guard(int gone, string side, string there)
        {
            if (gone > Few && gone * 2 > known) throw new CommandException(
                $"{side} lacks {gone} of {known} beads that were synced before; --delete means that they are to be deleted {there}, too");
        }
    }

    /// <summary>Writes to the hub; answers the steps that others have not overtaken.</summary>
    private async Task<SyncStep[]> ToHub(SyncStep[] work, SyncReport report, CancellationToken cancellation)
    {
        var lines = work.Where(static step => step.ToHub is not null).Select(static step => step.ToHub!).ToArray();
        var deleted = work.Where(static step => step.DeleteAtHub).Select(static step => step.Id).ToArray();
        if (lines.Length + deleted.Length == 0) return work;
        progress($"{lines.Length + deleted.Length} beads to the hub …");
        var seen = work.Where(static step => step.Remote is not null).Select(static step => step.Remote!).ToArray();
        var overtaken = await hub.Write(lines, deleted, seen, cancellation);
        foreach (var step in work.Where(step => !overtaken.Contains(step.Id)))
        {
            if (step.ToHub is not null) report.Pushed.Add(step.Id);
            if (step.DeleteAtHub) report.DeletedAtHub.Add(step.Id);
        }

        return [.. work.Where(step => !overtaken.Contains(step.Id))];
    }

    private async Task ToStore(SyncStep[] work, Dictionary<string, SyncedIssue> synced, SyncReport report, CancellationToken cancellation)
    {
        foreach (var conflict in work.SelectMany(static step => step.Conflicts))
            if (!report.Conflicts.Contains(conflict)) report.Conflicts.Add(conflict);
        var writes = work.Where(static step => step.ToStore is not null || step.DeleteHere).ToArray();
        if (writes.Length > 0)
        {
            // What its user has changed since is merged in the next round, and not written over.
            var fresh = await store.Read(cancellation);
            writes = [.. writes.Where(step => ThreeWay.SaysTheSame(fresh.GetValueOrDefault(step.Id)?.Fields, step.Local?.Fields))];
        }

        if (writes.Length == 0)
        {
            foreach (var step in work.Where(static step => step.ToStore is null && !step.DeleteHere)) Agree(synced, step);
            return;
        }

        progress($"{writes.Length} beads to {store.Name} …");
        await store.Write([.. writes.Where(static step => step.ToStore is not null).Select(static step => step.ToStore!)],
            [.. writes.Where(static step => step.DeleteHere).Select(static step => step.Id)], cancellation);
        var after = await store.Read(cancellation);
        foreach (var step in work)
        {
            if (step.ToStore is null && !step.DeleteHere) Agree(synced, step);
            else if (writes.Contains(step)) Prove(step, after.GetValueOrDefault(step.Id), synced, report);
        }
    }

    private static void Prove(SyncStep step, IssueLine? after, Dictionary<string, SyncedIssue> synced, SyncReport report)
    {
        if (step.DeleteHere)
        {
            if (after is not null && !ThreeWay.IsTombstone(after.Fields))
            {
                report.NotTaken[step.Id] = ["its deletion"];
                report.NotShown.Add(step.Id);
                return;
            }

            report.DeletedHere.Add(step.Id);
            synced.Remove(step.Id);
            return;
        }

        var written = step.ToStore!;
        var remote = BeadLine.Digest((step.ToHub ?? step.Remote!).Text);
        if (after is null)
        {
            if (ThreeWay.IsTombstone(written.Fields)) synced[step.Id] = new(written.Fields, remote);
            else
            {
                report.NotTaken[step.Id] = ["anything of it"];
                report.NotShown.Add(step.Id);
            }

            return;
        }

        var notTaken = new List<string>();
        synced[step.Id] = new(ThreeWay.Agreed(step.Local?.Fields, written.Fields, after.Fields, notTaken), remote);
        report.Taken.Add(step.Id);
        if (notTaken.Count > 0) report.NotTaken[step.Id] = [.. notTaken];
        else report.NotTaken.Remove(step.Id);
    }

    /// <summary>Both sides have what this machine has; or neither has it.</summary>
    private static void Agree(Dictionary<string, SyncedIssue> synced, SyncStep step)
    {
        if ((step.ToHub ?? step.Remote) is not { } remote || step.DeleteAtHub)
        {
            synced.Remove(step.Id);
            return;
        }

        synced[step.Id] = new(step.Local?.Fields ?? remote.Fields, BeadLine.Digest(remote.Text));
    }
}
