using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Beadhub.Boards;
using Beadhub.Escalations;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// <c>GET /v1/beads/insights</c>: what is left of a project's plan: which chain of beads takes longest, what can never be begun, for what
/// most wait, how the work could be divided, what has come to a stand, and when it may be done.
/// </summary>
internal sealed class Plans(IGrainFactory grains, TimeProvider time)
{
    private const int MostAgents = 256;
    private const int MostEscalations = 200;

    private static readonly Field<int> Agents =
        InQuery.Integer("agents", "Among how many agents the work is divided", 4, 1, MostAgents);
    private static readonly Field<int> Limit =
        InQuery.Integer("limit", "How many beads are listed, and how many of each track and circle", 50, 1, 10_000);
    private static readonly Field<int> StaleHours = InQuery.Integer("stale_hours",
        "For how many hours nothing has happened about a claimed bead, and its claimant gave no sign of life, before it is listed", 24, 1,
        24 * 365);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Plans>();
        routes.Map(
            new RequestGroup("/v1/beads", "plans", "What is left to do, and in which order")
                .Get("/insights", "planInsights", "Critical path, circles, what waits for what, tracks for agents, pace and forecast")
                .Needs(Caller.Reader)
                .Takes(Agents, Limit, StaleHours)
                .Bind(static fields => (fields.Get(Agents), fields.Get(Limit), TimeSpan.FromHours(fields.Get(StaleHours))))
                .Answers(Wire.Types.PlanAnswer),
            endpoints.Insights);
    }

    private async Task<PlanAnswer> Insights((int Agents, int Limit, TimeSpan StaleAfter) asked, ProjectIdentity who)
    {
        // To the minute, so that the answer is made once while nothing changes.
        var now = time.GetUtcNow();
        now = new(now.Ticks - now.Ticks % TimeSpan.TicksPerMinute, TimeSpan.Zero);
        var board = grains.GetGrain<IBoardGrain>(who.ProjectId);
        var plan = await board.Insights(new(asked.Agents, asked.Limit, asked.StaleAfter, now));
        var present = plan.StaleClaims.IsEmpty ? []
            : (await grains.GetGrain<IProjectGrain>(who.ProjectId).Status(new(null, null))).Agents.Select(agent => agent.WorkspaceId)
                .ToHashSet(StringComparer.Ordinal);
        // What is asked of people is not the public's.
        ImmutableArray<WaitingBead> waiting = who.Mode == AuthMode.PublicReader ? [] : await Waiting(who.ProjectId, board);
        return new(
            who.ProjectId, now, plan.Open, plan.Stuck, plan.Work,
            new(plan.Length, plan.CriticalPath),
            [.. plan.Cycles.Select(static cycle => cycle.Select(static bead => bead.BeadId).ToImmutableArray())],
            [.. plan.Articulation.Select(static bead => bead.BeadId)],
            plan.Beads,
            new(asked.Agents, plan.Makespan, plan.LeastPossible, plan.Tracks),
            [.. plan.StaleClaims.Where(claim => !present.Contains(claim.Claim.WorkspaceId)).Select(static claim =>
                new StaleClaimItem(
                    claim.Claim.BeadId, claim.Claim.WorkspaceId, claim.Claim.Alias, claim.Claim.ClaimedAt, claim.LastChange))],
            waiting,
            new(plan.Pace.ClosedIn7Days, plan.Pace.ClosedIn30Days, plan.Pace.CreatedIn7Days, plan.Pace.CreatedIn30Days,
                Hours(plan.Pace.MedianLeadTime), Hours(plan.Pace.LongLeadTime)),
            plan.Forecast);
    }

    /// <summary>Claimed beads whose claimant waits for a person's answer.</summary>
    private async Task<ImmutableArray<WaitingBead>> Waiting(string projectId, IBoardGrain board)
    {
        var asked = await grains.GetGrain<IEscalationsGrain>(projectId)
            .List(new(null, null, EscalationStatus.Pending, null, MostEscalations, null));
        if (asked.Escalations.IsEmpty) return [];
        var work = await board.Work();
        return
        [
            .. from escalation in asked.Escalations
               where work.Workspaces.ContainsKey(escalation.WorkspaceId)
               from claim in work.Workspaces[escalation.WorkspaceId].Claims
               select new WaitingBead(claim.Claim.BeadId, claim.Title, escalation.WorkspaceId, escalation.Alias, escalation.EscalationId,
                   escalation.Subject, escalation.CreatedAt),
        ];
    }

    private static double? Hours(TimeSpan? time) => time is { } known ? Math.Round(known.TotalHours, 2) : null;
}

/// <summary>Answer of <c>GET /v1/beads/insights</c>. Times without a name are minutes of work, from now.</summary>
internal sealed record PlanAnswer(
    string ProjectId,
    DateTimeOffset At,
    int OpenBeads,
    int StuckBeads,
    long WorkMinutes,
    PlanChain CriticalPath,
    ImmutableArray<ImmutableArray<string>> Cycles,
    ImmutableArray<string> ArticulationBeads,
    ImmutableArray<PlannedBead> Beads,
    PlanTracks Tracks,
    ImmutableArray<StaleClaimItem> StaleClaims,
    ImmutableArray<WaitingBead> WaitingForHuman,
    PlanThroughput Throughput,
    PlanForecast? Forecast);

/// <summary>The chain of beads that takes longest.</summary>
internal sealed record PlanChain(long Minutes, ImmutableArray<PlannedBead> Beads);

/// <summary>How the work could be divided among agents.</summary>
internal sealed record PlanTracks(
    int Agents, long MakespanMinutes, long LowerBoundMinutes, ImmutableArray<ImmutableArray<PlannedBead>> BeadsOfAgents);

/// <summary>A claim about which nothing has happened for long, whose claimant gives no sign of life.</summary>
internal sealed record StaleClaimItem(
    string BeadId, string WorkspaceId, string Alias, DateTimeOffset ClaimedAt, DateTimeOffset LastChangeAt);

/// <summary>A claimed bead whose claimant waits for a person's answer.</summary>
internal sealed record WaitingBead(
    string BeadId, string? Title, string WorkspaceId, string Alias, string EscalationId, string Subject, DateTimeOffset Since);

/// <summary>How fast beads were made and closed; lead times are those of the beads closed in the last 30 days.</summary>
internal sealed record PlanThroughput(
    [property: JsonPropertyName("closed_7_days")] int Closed7Days,
    [property: JsonPropertyName("closed_30_days")] int Closed30Days,
    [property: JsonPropertyName("created_7_days")] int Created7Days,
    [property: JsonPropertyName("created_30_days")] int Created30Days,
    double? LeadTimeMedianHours,
    double? LeadTimeNinetiethHours);
