using Beadhub.Controls;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>POST /v1/agents/{alias}/control</c>: a signal that waits for an agent until its event stream takes it (protocol
/// 6.8).</summary>
internal sealed class Control(IGrainFactory grains)
{
    private static readonly Field<string> Alias = InPath.Text("alias", "Alias of the agent, or me");
    private static readonly Field<string?> Signal = InBody.RequiredWord("signal", "What it is told", "pause", "resume", "interrupt");

    public static void Map(IEndpointRouteBuilder routes) => routes.Map(
        new RequestGroup("/v1/agents", "agents", "Who is in the project and who is there")
            .Post("/{alias}/control", "signalAgent", "Tell an agent to pause, resume or interrupt").Needs(Caller.Actor)
            .TakesOnly(Alias, Signal).RepeatsFromResult()
            .Bind(static fields => (Alias: fields.Get(Alias), Signal: fields.Get(Signal)!))
            .Answers(Wire.Types.ControlAnswer),
        routes.Make<Control>().Send);

    private async Task<ControlAnswer> Send((string Alias, string Signal) order, Actor actor, HttpContext http)
    {
        var (alias, signal) = order;
        var target = alias == "me" ? actor.Agent : (await grains.GetGrain<IProjectGrain>(actor.ProjectId).Named([alias]))[0];
        if (target is null) throw ApiException.NotFound("Agent not found");
        var id = http.NewId();
        await grains.GetGrain<IControlGrain>(IControlGrain.Key(actor.ProjectId, target.AgentId)).Signal(new(new(id, signal), actor.Id));
        return new(id, signal);
    }
}

/// <summary>A queued signal.</summary>
internal sealed record ControlAnswer(string SignalId, string Signal);
