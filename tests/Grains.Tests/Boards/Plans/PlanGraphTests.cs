using Beadhub.Beads;
using Beadhub.Boards;
using static Beadhub.Grains.Tests.Beads.Make;

namespace Beadhub.Grains.Tests.Boards.Plans;

/// <summary>A plan against what follows from the rules of readiness, step by step, and from trying all ways, on random plans.</summary>
public sealed class PlanGraphTests
{
    private const int Plans = 3000;

    [Fact]
    public void What_can_be_begun_when_is_what_the_board_says_while_the_work_is_done()
    {
        Each((board, plan, seed) =>
        {
            var begun = Work(board, plan);
            for (var node = 0; node < plan.Nodes.Length; node++)
            {
                plan.IsStuck[node].ShouldBe(!begun.ContainsKey(node), $"seed {seed}: {plan.Nodes[node].BeadId}");
                if (begun.TryGetValue(node, out var at)) plan.Earliest[node].ShouldBe(at, $"seed {seed}: {plan.Nodes[node].BeadId}");
            }

            plan.Length.ShouldBe(begun.Select(b => b.Value + plan.Minutes[b.Key]).DefaultIfEmpty(0).Max(), $"seed {seed}");
        });
    }

    [Fact]
    public void Chains_circles_and_parts_are_those_that_trying_all_ways_finds()
    {
        Each((_, plan, seed) =>
        {
            var all = Enumerable.Range(0, plan.Nodes.Length).ToArray();
            var reach = all.Select(node => Reached(plan, node)).ToArray();
            var circles = all.Where(node => reach[node].Contains(node))
                .GroupBy(node => reach[node].Where(other => reach[other].Contains(node)).Min())
                .Select(circle => circle.Order().ToArray()).OrderBy(circle => circle[0]);
            Texts(plan.Cycles).ShouldBe(Texts(circles), $"seed {seed}");

            foreach (var node in all.Where(node => !plan.IsStuck[node]))
            {
                plan.Tail[node].ShouldBe(Longest(plan, node), $"seed {seed}");
                plan.Unblocks[node].ShouldBe(reach[node].Count(other => !plan.IsStuck[other]), $"seed {seed}");
            }

            foreach (var node in all)
                plan.Cuts[node].ShouldBe(Parts(plan, node) > Parts(plan, -1) - (IsAlone(plan, node) ? 1 : 0), $"seed {seed}, node {node}");

            var path = plan.CriticalPath();
            path.Sum(node => plan.Minutes[node]).ShouldBe(plan.Length, $"seed {seed}");
            path.ShouldAllBe(node => plan.Slack(node) == 0);
            for (var i = 1; i < path.Count; i++) plan.Before(path[i]).Contains(path[i - 1]).ShouldBeTrue();
        });
    }

    [Fact]
    public void A_schedule_is_one_that_can_be_worked_and_not_far_from_the_best()
    {
        Each((_, plan, seed) =>
        {
            var agents = 1 + seed % 4;
            var schedule = PlanSchedule.Of(plan, agents, _ => false);
            var start = schedule.Tracks.SelectMany(track => track).ToDictionary(step => step.Node, step => step.Start);
            start.Keys.Order().ShouldBe(plan.Order.Order(), $"seed {seed}");
            foreach (var (node, at) in start)
                foreach (var before in plan.Before(node))
                    at.ShouldBeGreaterThanOrEqualTo(start[before] + plan.Minutes[before], $"seed {seed}");
            foreach (var track in schedule.Tracks)
                for (var i = 1; i < track.Count; i++)
                    track[i].Start.ShouldBeGreaterThanOrEqualTo(track[i - 1].Start + plan.Minutes[track[i - 1].Node], $"seed {seed}");
            schedule.Makespan.ShouldBe(start.Select(s => s.Value + plan.Minutes[s.Key]).DefaultIfEmpty(0).Max());
            schedule.Makespan.ShouldBeGreaterThanOrEqualTo(schedule.LeastPossible);
            // Graham's bound: nobody is idle while there is something to do.
            ((double)schedule.Makespan).ShouldBeLessThanOrEqualTo((2 - 1.0 / agents) * schedule.LeastPossible + 1, $"seed {seed}");
        });
    }

    [Fact]
    public void One_giant_circle_and_one_giant_chain_are_no_trouble()
    {
        const int many = 50_000;
        BeadRecord[] Chain(string first) => [.. Enumerable.Range(0, many).Select(i => Record($"bd-{i:00000}", blockedBy: [Ref(i == 0 ? first
            : $"bd-{i - 1:00000}")]))];

        var circle = PlanGraph.Of(Of(Chain($"bd-{many - 1:00000}")));
        circle.Cycles.Single().Length.ShouldBe(many);
        circle.IsStuck.ShouldAllBe(stuck => stuck);
        circle.CriticalPath().ShouldBeEmpty();

        var chain = PlanGraph.Of(Of([.. Chain("bd-x"), Record("bd-x", "closed")]));
        chain.Length.ShouldBe(many);
        chain.Unblocks[0].ShouldBe(many - 1);
        chain.CriticalPath().Count.ShouldBe(many);
    }

    [Fact]
    public void Fifty_thousand_edges_are_no_trouble()
    {
        // 41 layers of 50 beads, each of which waits for 25 of the layer before.
        const int Layers = 41, Width = 50, Blockers = 25;
        var plan = PlanGraph.Of(Of(Enumerable.Range(0, Layers * Width).Select(i => Record($"bd-{i:0000}", blockedBy:
            [.. Enumerable.Range(0, i < Width ? 0 : Blockers).Select(n => Ref($"bd-{(i / Width - 1) * Width + (i + n) % Width:0000}"))]))));

        plan.Length.ShouldBe(Layers);
        plan.CriticalPath().Count.ShouldBe(Layers);
        plan.Cycles.ShouldBeEmpty();
        // For one of the first layer wait 25 of the second, 49 of the third, and all behind them.
        plan.Unblocks[0].ShouldBe(Blockers + (Width - 1) + (Layers - 3) * Width);
    }

    private static Board Of(IEnumerable<BeadRecord> records) =>
        Board.Empty("p").With(records.Select(record => new BeadView(record.BeadId, 1, [record], [], [])));

    private static void Each(Action<Board, PlanGraph, int> check)
    {
        for (var seed = 0; seed < Plans; seed++)
        {
            var board = Of(Issues(new Random(seed)));
            check(board, PlanGraph.Of(board), seed);
        }
    }

    /// <summary>A few issues with blockers, conditions, parents and parts that are waited for; some are done, some blockers are
    /// missing.</summary>
    private static BeadRecord[] Issues(Random random)
    {
        var count = random.Next(1, 9);
        var density = random.Next(1, 4);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            // Mostly on earlier ones, so that circles are there and not everywhere.
            BeadRef Other() => Ref($"bd-{(random.Next(12) == 0 ? random.Next(count + 1) : random.Next(Math.Max(1, i)))}");
            BeadRef[] Some(int most) => [.. Enumerable.Range(0, random.Next(most)).Select(_ => Other()).Where(o => o.BeadId != $"bd-{i}" ||
                random.Next(20) == 0).Distinct()];
            var status = random.Next(6) switch { 0 => "closed", 1 => "in_progress", _ => "open" };
            BeadRef[] conditions = random.Next(4) == 0 ? Some(2) : [];
            BeadRef[] waits = random.Next(5) == 0 ? Some(2) : [];
            return Record($"bd-{i}", status, blockedBy: Some(density), parent: random.Next(3) == 0 && i > 0 ? Ref($"bd-{random.Next(i)}")
                : null) with
            {
                EstimatedMinutes = random.Next(3) == 0 ? null : random.Next(1, 60),
                Terms = conditions.Length + waits.Length == 0 ? null
                    : new([.. conditions], [.. waits.Select(wait => new BeadWait(wait, false))], random.Next(20) == 0),
            };
        })];
    }

    /// <summary>Does the work with as many hands as it takes, and answers when each issue was begun: as soon as nothing holds it up, by the
    /// board's own rules.</summary>
    private static Dictionary<int, long> Work(Board board, PlanGraph plan)
    {
        var begun = new Dictionary<int, long>();
        var running = new PriorityQueue<int, long>();
        var now = 0L;
        for (var version = 2; ; version++)
        {
            var readiness = new Readiness(board.Beads, board.Dependents);
            for (var node = 0; node < plan.Nodes.Length; node++)
            {
                if (begun.ContainsKey(node) || plan.Nodes[node].Terms is { IsNoWork: true } || readiness.IsBlocked(plan.Nodes[node]))
                    continue;
                begun[node] = now;
                running.Enqueue(node, now + plan.Minutes[node]);
            }

            if (!running.TryDequeue(out var done, out now)) return begun;
            List<int> together = [done];
            while (running.TryPeek(out _, out var end) && end == now) together.Add(running.Dequeue());
            board = board.With(together.Select(node =>
                new BeadView(plan.Nodes[node].BeadId, version, [plan.Nodes[node] with { Status = "closed", SyncedAt = At(version) }], [],
                    [])));
        }
    }

    private static string Texts(IEnumerable<int[]> circles) => string.Join("; ", circles.Select(circle => string.Join(' ', circle)));

    private static HashSet<int> Reached(PlanGraph plan, int from)
    {
        var reached = new HashSet<int>();
        var left = new Stack<int>([from]);
        while (left.TryPop(out var node))
            foreach (var after in plan.After(node))
                if (reached.Add(after)) left.Push(after);
        return reached;
    }

    private static long Longest(PlanGraph plan, int node)
    {
        var longest = 0L;
        foreach (var after in plan.After(node))
            if (!plan.IsStuck[after]) longest = Math.Max(longest, Longest(plan, after));
        return longest + plan.Minutes[node];
    }

    private static bool IsAlone(PlanGraph plan, int node) => Neighbours(plan, node).All(other => other == node);

    private static IEnumerable<int> Neighbours(PlanGraph plan, int node) => [.. plan.After(node), .. plan.Before(node)];

    /// <summary>Number of parts into which the plan falls without one issue.</summary>
    private static int Parts(PlanGraph plan, int without)
    {
        var left = Enumerable.Range(0, plan.Nodes.Length).Where(node => node != without).ToHashSet();
        var parts = 0;
        while (left.Count > 0)
        {
            parts++;
            var next = new Stack<int>([left.First()]);
            while (next.TryPop(out var node))
                if (left.Remove(node))
                    foreach (var other in Neighbours(plan, node)) next.Push(other);
        }

        return parts;
    }
}
