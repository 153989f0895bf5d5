using System.Collections.Immutable;
using Beadhub.Beads;

namespace Beadhub.Boards;

/// <summary>What is told of a plan. Pure.</summary>
internal static class PlanViews
{
    private const int MaxCritical = 1000;
    private const int MaxList = 100;
    private const int PaceDays = 30;
    private const int Samples = 400;
    private const int LongestForecast = 3650; // days

    public static PlanInsights Of(Board board, PlanQuery query)
    {
        var plan = board.Views.Plan;
        var schedule = PlanSchedule.Of(plan, query.Agents, node => !board.ClaimsOn(plan.Nodes[node].BeadId).IsEmpty);
        var (pace, closed, days) = Pace(board, query.Now);
        return new(
            plan.Nodes.Length,
            plan.Order.Sum(node => plan.Minutes[node]),
            [.. plan.CriticalPath().Take(MaxCritical).Select(node => Planned(plan, node, plan.Earliest[node]))],
            plan.Length,
            plan.IsStuck.Count(static stuck => stuck),
            [.. plan.Cycles.Take(MaxList)
                .Select(cycle => cycle.Take(query.Limit).Select(node => Ref(plan.Nodes[node])).ToImmutableArray())],
            [.. Enumerable.Range(0, plan.Nodes.Length).Where(node => plan.Cuts[node]).Take(MaxList).Select(node => Ref(plan.Nodes[node]))],
            [.. MostAwaited(plan, query.Limit).Select(node => Planned(plan, node, plan.Earliest[node]))],
            [.. schedule.Tracks.Select(track =>
                track.Take(query.Limit).Select(step => Planned(plan, step.Node, step.Start)).ToImmutableArray())],
            schedule.Makespan,
            schedule.LeastPossible,
            Stale(board, query),
            pace,
            Forecast(plan.Nodes.Length, closed, days, query.Now));
    }

    /// <summary>The beads for which most wait, of as many the ones with the longest chain behind them; what is stuck comes last.</summary>
    private static IEnumerable<int> MostAwaited(PlanGraph plan, int limit)
    {
        var nodes = Enumerable.Range(0, plan.Nodes.Length).ToArray();
        var keys = Array.ConvertAll(nodes, node => (plan.IsStuck[node], -plan.Unblocks[node], -plan.Tail[node], node));
        Array.Sort(keys, nodes);
        return nodes.Take(limit);
    }

    private static PlannedBead Planned(PlanGraph plan, int node, long start) => new(
        Ref(plan.Nodes[node]), plan.Nodes[node].Title, plan.Nodes[node].Status, plan.Minutes[node], start,
        plan.IsStuck[node] ? null : plan.Slack(node), plan.Unblocks[node]);

    private static BeadRef Ref(BeadRecord issue) => new(issue.Repo, issue.Branch, issue.BeadId);

    private static ImmutableArray<StaleClaim> Stale(Board board, PlanQuery query)
    {
        var before = query.Now - query.StaleAfter;
        var stale = new List<StaleClaim>();
        foreach (var claim in board.Claims)
        {
            if (claim.Row.ClaimedAt > before) continue;
            var last = claim.Row.ClaimedAt;
            foreach (var issue in board.Beads[claim.Row.BeadId].Records)
                if (BoardOrders.SortTime(issue) > last) last = BoardOrders.SortTime(issue);
            if (last <= before) stale.Add(new(claim.Row, last));
        }

        return [.. stale.OrderBy(static claim => claim.LastChange).ThenBy(static claim => claim.Claim.BeadId, StringComparer.Ordinal)
            .Take(MaxList)];
    }

    /// <summary>How fast beads were closed, by day, newest first; and over how many days that is looked at: a project may be younger than
    /// that.</summary>
    private static (PlanPace Pace, int[] Closed, int Days) Pace(Board board, DateTimeOffset now)
    {
        var closed = new int[PaceDays];
        var leads = new List<TimeSpan>();
        int created7 = 0, created30 = 0, closed7 = 0;
        var oldest = now;
        foreach (var issue in board.Listed)
        {
            var made = issue.CreatedAt ?? issue.SyncedAt;
            if (made < oldest) oldest = made;
            if (made <= now && now - made < TimeSpan.FromDays(7)) created7++;
            if (made <= now && now - made < TimeSpan.FromDays(PaceDays)) created30++;
            if (issue.Status != "closed") continue;
            var at = issue.ClosedAt ?? BoardOrders.SortTime(issue);
            if (at > now || now - at >= TimeSpan.FromDays(PaceDays)) continue;
            closed[(int)(now - at).TotalDays]++;
            if (now - at < TimeSpan.FromDays(7)) closed7++;
            if (issue.CreatedAt is { } begun && begun <= at) leads.Add(at - begun);
        }

        leads.Sort();
        return (
            new(closed7, closed.Sum(), created7, created30, Quantile(leads, 0.5), Quantile(leads, 0.9)),
            closed,
            Math.Clamp((int)Math.Ceiling((now - oldest).TotalDays), 1, PaceDays));
    }

    private static TimeSpan? Quantile(List<TimeSpan> sorted, double part) =>
        sorted.Count == 0 ? null : sorted[Math.Min(sorted.Count - 1, (int)(sorted.Count * part))];

    /// <summary>Draws days from the last ones until all is closed, many times (bootstrap). The same plan gets the same answer.</summary>
    private static PlanForecast? Forecast(int open, int[] closed, int days, DateTimeOffset now)
    {
        if (open == 0) return new(now, now, now);
        if (closed.AsSpan(0, days).IndexOfAnyExcept(0) < 0) return null;
        var random = new Random(open);
        var ends = new int[Samples];
        for (var sample = 0; sample < Samples; sample++)
        {
            var left = open;
            while (left > 0 && ends[sample] <= LongestForecast)
            {
                left -= closed[random.Next(days)];
                ends[sample]++;
            }
        }

        Array.Sort(ends);
        return new(At(Samples / 10), At(Samples / 2), At(Samples - Samples / 10 - 1));

        DateTimeOffset? At(int sample) => ends[sample] > LongestForecast ? null : now.AddDays(ends[sample]);
    }
}
