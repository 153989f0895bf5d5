using Beadhub.Controls;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>POST /v1/agents/{alias}/control</c>: a signal that waits for an agent until its event stream takes it (protocol 6.8).</summary>
internal sealed class Control(IGrainFactory grains, Identification identification)
{
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.Post("/v1/agents/{alias}/control", routes.Make<Control>().Post).WithTags("agents")
            .Says("Tell an agent to pause, resume or interrupt", 401, 403, 404, 409, 422);

    private async Task<Answer<ControlAnswer>> Post(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        body.Only("signal");
        var signal = body.OneOf("signal", ["pause", "resume", "interrupt"], required: true);
        body.Done();

        var actor = await identification.ActorOf(http);
        var alias = http.PathPart("alias");
        var target = alias == "me" ? actor.Agent : (await grains.GetGrain<IProjectGrain>(actor.ProjectId).Named([alias]))[0];
        if (target is null) throw ApiException.NotFound("Agent not found");
        var id = http.NewId();
        await grains.GetGrain<IControlGrain>(IControlGrain.Key(actor.ProjectId, target.AgentId))
            .Signal(new(new(id, signal!), actor.Id));
        return Answer.Of(new ControlAnswer(id, signal!), Wire.Types.ControlAnswer);
    }
}

/// <summary>A queued signal.</summary>
internal sealed record ControlAnswer(string SignalId, string Signal);
