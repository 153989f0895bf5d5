using System.Collections.Immutable;
using System.Diagnostics;
using System.Reflection;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Requests;
using Beadhub.Gateway.Streaming;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>GET /v1/instance</c>: how the whole installation does, for administrators.</summary>
internal sealed class Instance(IGrainFactory grains, IInstance instance, StreamMetrics streams, TimeProvider time)
{
    private const int MostProjects = 20;

    private static readonly string Version =
        (typeof(Instance).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "").Split('+')[0];

    public static void Map(IEndpointRouteBuilder routes) => routes.Map(
        new RequestGroup("/v1/instance", "instance", "How the whole installation does, for administrators")
            .Get("", "getInstance", "Nodes, the log's size, the busiest projects, what lags; for administrators").Needs(Caller.Admin)
            .Answers(Wire.Types.InstanceAnswer),
        routes.Make<Instance>().Get);

    private async Task<InstanceAnswer> Get(Anybody _)
    {
        var state = await instance.Read();
        var busiest = await Task.WhenAll(state.Projects.OrderByDescending(static project => project.Events).Take(MostProjects)
            .Select(async project => (project.Events, Details: await grains.GetGrain<IProjectGrain>(project.ProjectId).Details())));
        using var process = Process.GetCurrentProcess();
        return new(
            Version, time.GetUtcNow(), new(process.StartTime.ToUniversalTime()), state.Node, state.Nodes,
            new(state.Store, state.LogBytes, state.Events),
            state.Projects.Length,
            [.. busiest.Where(static project => project.Details is not null).Select(static project => new BusyProject(
                project.Details!.ProjectId, project.Details.Slug, project.Details.Name, project.Details.Agents,
                project.Details.ArchivedAt is not null, project.Events))],
            [.. streams.Read().Select(static sort => new OpenStreams(sort.Sort, sort.Open, sort.Lag))],
            state.Webhooks,
            process.WorkingSet64);
    }
}

/// <summary>What the program around the gateway knows of the installation.</summary>
internal interface IInstance
{
    /// <summary>How it does now.</summary>
    ValueTask<InstanceState> Read();
}

/// <summary>How the installation does.</summary>
/// <param name="Node">The node that was asked.</param>
/// <param name="Nodes">All that live.</param>
/// <param name="Store">Where the log is, without user and password.</param>
/// <param name="LogBytes">What the log takes.</param>
/// <param name="Events">Events in it.</param>
/// <param name="Projects">Projects, each with its events.</param>
/// <param name="Webhooks">How deliveries do; null where another node makes them.</param>
internal sealed record InstanceState(
    string Node, ImmutableArray<InstanceNode> Nodes, string Store, long LogBytes, long Events,
    ImmutableArray<(string ProjectId, long Events)> Projects, WebhookLag? Webhooks);

/// <summary>Answer of <c>GET /v1/instance</c>.</summary>
/// <param name="Version">Version of the node that was asked.</param>
/// <param name="At">When it was asked: rates follow from two answers.</param>
/// <param name="StartedAt">Since when it runs.</param>
/// <param name="NodeId">The node that was asked.</param>
/// <param name="Nodes">All nodes that live.</param>
/// <param name="Log">The event log.</param>
/// <param name="Projects">How many projects there are.</param>
/// <param name="Busiest">Those with most events.</param>
/// <param name="Streams">Event streams open on this node.</param>
/// <param name="Webhooks">How deliveries to webhooks do; null where another node makes them.</param>
/// <param name="MemoryBytes">Memory of this node's process.</param>
internal sealed record InstanceAnswer(
    string Version, DateTimeOffset At, DateTimeOffset StartedAt, string NodeId, ImmutableArray<InstanceNode> Nodes, InstanceLog Log,
    int Projects, ImmutableArray<BusyProject> Busiest, ImmutableArray<OpenStreams> Streams, WebhookLag? Webhooks, long MemoryBytes);

/// <summary>A node.</summary>
/// <param name="NodeId">Its id, new at every start.</param>
/// <param name="DoesBackgroundWork">Whether it is the one that delivers to webhooks and finishes what others left.</param>
internal sealed record InstanceNode(string NodeId, bool DoesBackgroundWork);

/// <summary>The event log.</summary>
internal sealed record InstanceLog(string Store, long Bytes, long Events);

/// <summary>A project and how many events it has.</summary>
internal sealed record BusyProject(string ProjectId, string Slug, string Name, int Agents, bool Archived, long Events);

/// <summary>Event streams of one sort that clients have open.</summary>
/// <param name="Stream">status, events or chat.</param>
/// <param name="Open">How many.</param>
/// <param name="Lag">Events that the slowest has not handled yet.</param>
internal sealed record OpenStreams(string Stream, long Open, long Lag);

/// <summary>How deliveries to webhooks do.</summary>
/// <param name="Endpoints">Endpoints that are served.</param>
/// <param name="Lag">Events that the one which is behind most has not been given yet.</param>
/// <param name="WaitSeconds">For how long the oldest delivery has been tried in vain.</param>
internal sealed record WebhookLag(int Endpoints, long Lag, double WaitSeconds);
