using Beadhub.Beads;

namespace Beadhub.Boards;

/// <summary>
/// The order in which an agent is offered beads that nobody works on, by <see cref="ClaimStrategy"/>. What is more urgent comes first
/// whatever the strategy; it only chooses among beads of one priority.
/// </summary>
internal abstract class NextBeads
{
    private static readonly NextBeads Urgent = new ByPriority();

    public static NextBeads Of(Board board, ClaimNextBead command) => command.Strategy switch
    {
        ClaimStrategy.Unblock => new ByChain(board.Views.Plan),
        ClaimStrategy.Track when LastOf(board, command.WorkspaceId) is { } last => new ByNearness(last),
        _ => Urgent,
    };

    /// <summary>The beads in that order.</summary>
    /// <param name="urgent">Beads, most urgent first.</param>
    public virtual IEnumerable<BeadRecord> Among(IEnumerable<BeadRecord> urgent)
    {
        var heap = new PriorityQueue<BeadRecord, (long, long, int)>();
        long? priority = null;
        foreach (var issue in urgent)
        {
            if (issue.Priority != priority)
            {
                while (heap.TryDequeue(out var next, out _)) yield return next;
                priority = issue.Priority;
            }

            var (first, second) = Rank(issue);
            heap.Enqueue(issue, (first, second, heap.Count));
        }

        while (heap.TryDequeue(out var next, out _)) yield return next;
    }

    /// <summary>Why it is offered, as a sentence for the agent.</summary>
    public abstract string Why(BeadRecord issue);

    /// <summary>The smaller, the earlier.</summary>
    protected abstract (long, long) Rank(BeadRecord issue);

    /// <summary>The bead that a workspace claimed last, or else was released from.</summary>
    private static BeadRecord? LastOf(Board board, string workspaceId)
    {
        var workspace = board.Workspaces.GetValueOrDefault(workspaceId, BoardWorkspace.None);
        var id = workspace.Claims.FirstOrDefault() is { } claim && !(workspace.LastRelease > claim.Row.ClaimedAt)
            ? claim.Row.BeadId : workspace.LastReleased;
        return id is null ? null : board.Latest(id);
    }

    private static string Urgency(BeadRecord issue) => issue.Priority is { } priority ? $"priority {priority}" : "no priority";

    private sealed class ByPriority : NextBeads
    {
        public override IEnumerable<BeadRecord> Among(IEnumerable<BeadRecord> urgent) => urgent;

        public override string Why(BeadRecord issue) => $"Nothing more urgent is ready: {Urgency(issue)}";

        protected override (long, long) Rank(BeadRecord issue) => default;
    }

    private sealed class ByChain(PlanGraph plan) : NextBeads
    {
        public override string Why(BeadRecord issue)
        {
            var node = plan.IndexOf(issue);
            if (node < 0) return Urgency(issue);
            var waiting = plan.After(node).Length;
            return $"Of the beads with {Urgency(issue)} it begins the longest chain: {plan.Tail[node]} minutes with its own, "
                + $"{waiting} {(waiting == 1 ? "bead waits" : "beads wait")} for it"
                + (!plan.IsStuck[node] && plan.Slack(node) == 0 ? "; it is on the critical path" : "");
        }

        protected override (long, long) Rank(BeadRecord issue)
        {
            var node = plan.IndexOf(issue);
            return node < 0 ? default : (-plan.Tail[node], -plan.After(node).Length);
        }
    }

    private sealed class ByNearness(BeadRecord last) : NextBeads
    {
        private const int Follower = 16;
        private const int Family = 8;

        public override string Why(BeadRecord issue) => Rank(issue).Item1 switch
        {
            0 => $"Nothing of that urgency is near {last.BeadId}, your last bead: {Urgency(issue)}",
            <= -Follower => $"It waited for {last.BeadId}, your last bead",
            <= -Family => $"It belongs together with {last.BeadId}, your last bead",
            _ => $"It shares {string.Join(", ", Shared(issue))} with {last.BeadId}, your last bead",
        };

        protected override (long, long) Rank(BeadRecord issue) =>
            (-((Follows(issue) ? Follower : 0) + (IsFamily(issue) ? Family : 0) + Math.Min(Shared(issue).Count(), Family - 1)), 0);

        private IEnumerable<string> Shared(BeadRecord issue) => issue.Labels.Intersect(last.Labels, StringComparer.Ordinal);

        private bool Follows(BeadRecord issue) => issue.BlockedBy.Contains(Ref(last)) || issue.BlocksIds.Contains(last.BeadId);

        private bool IsFamily(BeadRecord issue) =>
            (issue.Parent is { } parent && (parent == last.Parent || parent == Ref(last))) || last.Parent == Ref(issue);

        private static BeadRef Ref(BeadRecord issue) => new(issue.Repo, issue.Branch, issue.BeadId);
    }
}
