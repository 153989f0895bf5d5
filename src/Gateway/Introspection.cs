using System.Text.Json.Serialization;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;

namespace Beadhub.Gateway;

/// <summary><c>GET /v1/auth/introspect</c>: whom the credentials stand for (protocol 5.2).</summary>
internal sealed class Introspection(Identification identification)
{
    public static void Map(IEndpointRouteBuilder routes) => routes.Map(
        new RequestGroup("/v1/auth", "auth", "Credentials").Get("/introspect", "introspect", "Whom the credentials stand for")
            .Needs(Caller.Reader)
            .Answers(Wire.Types.IntrospectAnswer),
        routes.Make<Introspection>().Get);

    private async Task<IntrospectAnswer> Get(ProjectIdentity who)
    {
        who = await identification.WithStanding(who);
        // A key that names an agent of another project says so, but not who that is.
        var agent = who.Standing.Agent;
        var slug = agent is null ? null : who.Standing.Slug;
        return new(
            who.ProjectId, who.ApiKeyId, who.AgentId, agent?.Alias, agent?.HumanName, agent?.AgentType, agent?.AccessMode, slug,
            slug is null ? null : $"{slug}/{agent!.Alias}", agent?.Role, agent?.Program, agent?.Context, who.UserId);
    }
}

/// <summary>What does not apply is left out.</summary>
internal sealed record IntrospectAnswer(
    string ProjectId,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? ApiKeyId,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? AgentId,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Alias,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? HumanName,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? AgentType,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? AccessMode,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? NamespaceSlug,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Address,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Role,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Program,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull), JsonConverter(typeof(RawJson))] string? Context,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? UserId);
