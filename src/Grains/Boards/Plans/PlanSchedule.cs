namespace Beadhub.Boards;

/// <summary>
/// Who could do what when: each of some agents, as soon as it is free, begins with the issue that the longest chain follows (critical path
/// scheduling). What is claimed is gone on with first.
/// </summary>
internal sealed class PlanSchedule
{
    private PlanSchedule(List<(int Node, long Start)>[] tracks, long makespan, long leastPossible) =>
        (Tracks, Makespan, LeastPossible) = (tracks, makespan, leastPossible);

    /// <summary>What each agent does, in order, with minutes from now.</summary>
    public List<(int Node, long Start)>[] Tracks { get; }

    /// <summary>Minutes until all is done that can be done.</summary>
    public long Makespan { get; }

    /// <summary>Minutes that no schedule of so many agents can go below: the critical path, or all work divided among them.</summary>
    public long LeastPossible { get; }

    public static PlanSchedule Of(PlanGraph plan, int agents, Func<int, bool> isClaimed)
    {
        var tracks = new List<(int, long)>[agents];
        for (var i = 0; i < agents; i++) tracks[i] = [];
        var waits = new int[plan.Nodes.Length];
        var ready = new PriorityQueue<int, (bool NotClaimed, long MinusTail, int Node)>();
        var running = new PriorityQueue<(int Node, int Agent), (long End, int Node)>();
        var free = new PriorityQueue<int, int>();
        for (var i = 0; i < agents; i++) free.Enqueue(i, i);
        long work = 0, now = 0;
        foreach (var node in plan.Order)
        {
            work += plan.Minutes[node];
            if ((waits[node] = plan.Before(node).Length) == 0) Ready(node);
        }

        while (true)
        {
            while (free.Count > 0 && ready.TryDequeue(out var node, out _))
            {
                var agent = free.Dequeue();
                tracks[agent].Add((node, now));
                running.Enqueue((node, agent), (now + plan.Minutes[node], node));
            }

            if (!running.TryDequeue(out var done, out var at)) break;
            now = at.End;
            free.Enqueue(done.Agent, done.Agent);
            foreach (var after in plan.After(done.Node))
                if (!plan.IsStuck[after] && --waits[after] == 0) Ready(after);
        }

        return new(tracks, now, Math.Max(plan.Length, (work + agents - 1) / agents));

        void Ready(int node) => ready.Enqueue(node, (!isClaimed(node), -plan.Tail[node], node));
    }
}
