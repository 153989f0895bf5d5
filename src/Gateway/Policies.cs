using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.Directories;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Policies;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/policies</c>: what is expected of everybody and of each role, in versions (contract 10).</summary>
internal sealed class Policies(IGrainFactory grains, Identification identification)
{
    private const int MaxBundle = 1024 * 1024;
    private const int MaxDepth = 32;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Policies>();
        var group = routes.MapGroup("/v1/policies").WithTags("policies");
        group.Get("/active", endpoints.Active).Says("The policy in force", 400, 401, 404, 422)
            .WithMetadata(new ProducesResponseTypeMetadata(200, typeof(PolicyAnswer), [Wire.Json]), new ProducesResponseTypeMetadata(304, typeof(void)));
        group.Get("/history", endpoints.History).Says("Versions of the policy, newest first", 401, 404, 422);
        group.Post("", endpoints.Create).Says("Store a new version, which is not in force yet", 401, 403, 404, 409, 422);
        group.Post("/reset", endpoints.Reset).Says("Put the server's default in force, as a new version", 401, 404);
        group.Get("/{policyId}", endpoints.One).Says("One version", 401, 404, 422);
        group.Post("/{policyId}/activate", endpoints.Activate).Says("Put a version in force", 400, 401, 404, 422);
    }

    /// <summary>Changes whenever another version is in force, whatever role is asked for (contract 10.4).</summary>
    internal static string TagOf(string policyId, DateTimeOffset updatedAt) =>
        $"\"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{policyId}:{IsoTime.Text(updatedAt)}")).AsSpan(0, 8))}\"";

    private async Task<IResult> Active(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var role = query.Text("role");
        var onlySelected = query.Flag("only_selected", false);
        query.Done();

        var who = await Caller(http);
        var policy = await Grain(who).Active();
        var tag = TagOf(policy.PolicyId, policy.UpdatedAt);
        http.Response.Headers.ETag = tag;
        if (http.Request.Headers.IfNoneMatch.ToString() == tag) return new NotModified();

        if (string.IsNullOrEmpty(role))
        {
            if (onlySelected) throw new ApiException(StatusCodes.Status400BadRequest, "only_selected=true requires a role parameter");
            return Answer.Shared(policy, static policy => PolicyAnswer.Of(policy), Wire.Types.PolicyAnswer);
        }

        var selected = policy.Roles.FirstOrDefault(known => known.Role == role)
            ?? throw new ApiException(
                StatusCodes.Status400BadRequest, $"Role '{role}' not found. Available roles: [{string.Join(", ", policy.Roles.Select(known => $"'{known.Role}'"))}]");
        return Answer.Of(PolicyAnswer.Of(policy, selected, onlySelected), Wire.Types.PolicyAnswer);
    }

    private async Task<Answer<PolicyHistory>> History(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var limit = query.Integer("limit", 20, 1, 100);
        query.Done();

        var lines = await Grain(await Caller(http)).History(limit);
        return Answer.Of(
            new PolicyHistory([.. lines.Select(line => new PolicyItem(line.PolicyId, line.Version, IsoTime.Text(line.CreatedAt, "Z"), line.CreatedBy, line.IsActive))]),
            Wire.Types.PolicyHistory);
    }

    private async Task<Answer<PolicyCreatedAnswer>> Create(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        var bundle = Bundle(body);
        var baseText = body.Optional("base_policy_id");
        string? baseId = null;
        if (baseText is not null && !Names.TryNormalizeUuid(baseText, out baseId)) body.Fail("base_policy_id", "Invalid base_policy_id format");
        var createdByText = body.Optional("created_by_workspace_id");
        body.Done();

        var who = await Caller(http);
        string? createdBy = null;
        if (createdByText is not null && !Names.TryNormalizeUuid(createdByText, out createdBy)) throw ApiException.Unprocessable("Invalid created_by_workspace_id format");
        if (createdBy is not null) who.MustBe(createdBy, "created_by_workspace_id");
        var created = await Grain(who).Create(new(http.NewId(), bundle, baseId, createdBy, who.AgentId));
        return Answer.Of(new PolicyCreatedAnswer(created.PolicyId, who.ProjectId, created.Version, true), Wire.Types.PolicyCreatedAnswer);
    }

    private async Task<Answer<PolicyAnswer>> One(HttpContext http)
    {
        var id = PolicyId(http);
        return Answer.Shared(await Grain(await Caller(http)).Get(id), static policy => PolicyAnswer.Of(policy), Wire.Types.PolicyAnswer);
    }

    private async Task<Answer<PolicyActivatedAnswer>> Activate(HttpContext http)
    {
        var id = PolicyId(http);
        var who = await Caller(http);
        if (await Grain(who).Activate(id)) return Answer.Of(new PolicyActivatedAnswer(true, id), Wire.Types.PolicyActivatedAnswer);
        var owner = await grains.GetGrain<IDirectoryGrain>(IDirectoryGrain.PolicyName(id)).Find();
        throw owner is null || owner == who.ProjectId
            ? ApiException.NotFound("Policy not found")
            : new ApiException(StatusCodes.Status400BadRequest, "Policy does not belong to this project");
    }

    private async Task<Answer<PolicyResetAnswer>> Reset(HttpContext http)
    {
        // Clients send the four bytes of a JSON null, or nothing: there is nothing to be read.
        var who = await Caller(http);
        var reset = await Grain(who).Reset(http.NewId(), who.AgentId);
        return Answer.Of(new PolicyResetAnswer(true, reset.PolicyId, reset.Version), Wire.Types.PolicyResetAnswer);
    }

    private IPoliciesGrain Grain(ProjectIdentity who) => grains.GetGrain<IPoliciesGrain>(who.ProjectId);

    private async Task<ProjectIdentity> Caller(HttpContext http)
    {
        var who = await identification.Of(http);
        // A key is always of a project that exists; a proxy may name any.
        who = await identification.WithStanding(who);
        return who.Standing.Exists ? who : throw ApiException.NotFound("Project not found");
    }

    private static string PolicyId(HttpContext http)
    {
        var text = http.PathPart("policyId");
        if (Names.TryNormalizeUuid(text, out var id)) return id;
        var errors = new FieldErrors();
        errors.AddRule("Invalid policy_id format", JsonSerializer.SerializeToUtf8Bytes(text, Wire.Types.String), "path", "policy_id");
        throw errors.ToException();
    }

    /// <summary>The bundle without what is unknown at its top; the containers must be of their types, what is in them is free (contract 10.1).</summary>
    private static string Bundle(BodyFields body)
    {
        var text = body.Object("bundle", MaxBundle, MaxDepth, required: true);
        if (text is null) return "";
        using var bundle = JsonDocument.Parse(text);
        var kept = new StringBuilder("{");
        Keep("invariants", JsonValueKind.Array, "list_type", "Input should be a valid list", "[]");
        Keep("roles", JsonValueKind.Object, "dict_type", "Input should be a valid dictionary", "{}");
        Keep("adapters", JsonValueKind.Object, "dict_type", "Input should be a valid dictionary", "{}");
        return kept.Append('}').ToString();

        void Keep(string name, JsonValueKind kind, string type, string message, string otherwise)
        {
            kept.Append(kept.Length > 1 ? "," : "").Append('"').Append(name).Append("\":");
            if (!bundle.RootElement.TryGetProperty(name, out var value))
            {
                kept.Append(otherwise);
                return;
            }

            kept.Append(value.GetRawText());
            if (value.ValueKind != kind) body.Errors.Add(type, message, Input(value), null, "body", "bundle", name);
            else if (name == "invariants") Objects(value.EnumerateArray().Select((item, i) => ((object)i, item)), name);
            else if (name == "roles") Objects(value.EnumerateObject().Select(role => ((object)role.Name, role.Value)), name);
        }

        void Objects(IEnumerable<(object Place, JsonElement Value)> items, string name)
        {
            foreach (var (place, value) in items)
            {
                if (value.ValueKind == JsonValueKind.Object) continue;
                body.Errors.Add("dict_type", "Input should be a valid dictionary", Input(value), null, "body", "bundle", name, place);
                if (body.Errors.Count >= 100) return;
            }
        }

        static byte[] Input(JsonElement value) => Encoding.UTF8.GetBytes(value.GetRawText());
    }
}

/// <summary>304: what the client has is what is in force.</summary>
internal sealed class NotModified : IResult
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = StatusCodes.Status304NotModified;
        return Task.CompletedTask;
    }
}

/// <summary>A version with its texts (contract 10.4); <c>updated_at</c> ends with Z here.</summary>
internal sealed record PolicyAnswer(
    string PolicyId,
    string ProjectId,
    int Version,
    string UpdatedAt,
    ImmutableArray<InvariantView> Invariants,
    OrderedDictionary<string, RoleText> Roles,
    RoleView? SelectedRole,
    [property: JsonConverter(typeof(RawJson))] string Adapters)
{
    public static PolicyAnswer Of(PolicyView policy, RoleView? selected = null, bool onlySelected = false)
    {
        var roles = new OrderedDictionary<string, RoleText>();
        foreach (var role in onlySelected ? [selected!] : policy.Roles) roles.Add(role.Role, new(role.Title, role.PlaybookMd));
        return new(policy.PolicyId, policy.ProjectId, policy.Version, IsoTime.Text(policy.UpdatedAt, "Z"), policy.Invariants, roles, selected, policy.Adapters);
    }
}

/// <summary>What is expected of a role.</summary>
internal sealed record RoleText(string Title, string PlaybookMd);

/// <summary>Versions, newest first.</summary>
internal sealed record PolicyHistory(ImmutableArray<PolicyItem> Policies);

/// <summary>A version in the history; <c>created_at</c> ends with Z here.</summary>
internal sealed record PolicyItem(string PolicyId, int Version, string CreatedAt, string? CreatedByWorkspaceId, bool IsActive);

/// <summary>A version was stored.</summary>
internal sealed record PolicyCreatedAnswer(string PolicyId, string ProjectId, int Version, bool Created);

/// <summary>A version is in force.</summary>
internal sealed record PolicyActivatedAnswer(bool Activated, string ActivePolicyId);

/// <summary>The server's default is in force again.</summary>
internal sealed record PolicyResetAnswer(bool Reset, string ActivePolicyId, int Version);
