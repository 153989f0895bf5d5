using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.Directories;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Policies;
using Microsoft.OpenApi;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/policies</c>: what is expected of everybody and of each role, in versions (contract 10).</summary>
internal sealed class Policies(IGrainFactory grains, Identification identification)
{
    private const int MaxBundle = 1024 * 1024;
    private const int MaxDepth = 32;

    private static readonly Field<string?> Role = InQuery.Filter("role", "Show this role's part as selected_role");
    private static readonly Field<bool> OnlySelected = InQuery.Flag("only_selected", "Leave the other roles out", false);
    private static readonly Field<string> IfNoneMatch = InHeader.Text("If-None-Match", "ETag of what the client has");
    private static readonly Field<int> Limit = InQuery.Limit(20, 100);
    private static readonly Field<string?> Id = InPath.Text("policyId", "Id of the version")
        .To<string?>(Names.TryNormalizeUuid!, "Invalid policy_id format");

    private static readonly Field<string> Content = InBody.Of(
        "bundle",
        new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Description = "What is expected of everybody and of each role",
            Properties = new Dictionary<string, IOpenApiSchema>
            {
                ["invariants"] = Schemas.List("What everybody keeps to", Schemas.Object("id, title and body_md"), 0, int.MaxValue),
                ["roles"] = Schemas.Object("By role: title and playbook_md"),
                ["adapters"] = Schemas.Object("Whatever clients keep here"),
            },
        },
        true,
        static fields => Bundle(fields.Body));

    private static readonly Field<string?> Base = InBody.Optional("base_policy_id",
        "The version in force that this one rests on; another one is a conflict")
        .To<string?>(static (string? text, out string? id) => Names.TryNormalizeUuid(text, out id) || text is null,
            "Invalid base_policy_id format");

    private static readonly Field<bool> InForce = InBody.Flag("activate",
        "Put it in force at once: with base_policy_id nobody's change is lost in between", false);

    private static readonly Field<string?> CreatedBy = InBody.Optional("created_by_workspace_id", "The caller's own workspace").AfterCaller(
        static text => text is null ? null
            : Names.TryNormalizeUuid(text, out var id) ? id
            : throw ApiException.Unprocessable("Invalid created_by_workspace_id format"));

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Policies>();
        var requests = new RequestGroup("/v1/policies", "policies", "What is expected of everybody and of each role, in versions");
        routes.Map(
            requests.Get("/active", "getActivePolicy", "The policy in force").Needs(Caller.Reader)
                .Takes(Role, OnlySelected, IfNoneMatch).AnswersNothing(304)
                .Bind(static fields => (Role: fields.Get(Role), OnlySelected: fields.Get(OnlySelected), Known: fields.Get(IfNoneMatch)))
                .Answers<PolicyAnswer>(),
            endpoints.Active);
        routes.Map(
            requests.Get("/history", "listPolicies", "Versions of the policy, newest first").Needs(Caller.Reader)
                .Takes(Limit)
                .Bind(static fields => fields.Get(Limit))
                .Answers(Wire.Types.PolicyHistory),
            endpoints.History);
        routes.Map(
            requests.Post("", "createPolicy", "Store a new version, which is not in force yet unless activate says so")
                .Needs(Caller.Lead).Adds(Adding.Content).Audited("policy.created")
                .Takes(Content, Base, CreatedBy, InForce)
                .Bind(static fields => new CreatePolicy(
                    "", fields.Get(Content), fields.Get(Base), fields.Get(CreatedBy), Activate: fields.Get(InForce)))
                .Answers(Wire.Types.PolicyCreatedAnswer),
            endpoints.Create);
        // Clients send the four bytes of a JSON null, or nothing: there is nothing to be read.
        routes.Map(
            requests.Post("/reset", "resetPolicy", "Put the server's default in force, as a new version")
                .Needs(Caller.Lead).Audited("policy.reset")
                .Answers(Wire.Types.PolicyResetAnswer),
            endpoints.Reset);
        routes.Map(
            requests.Get("/{policyId}", "getPolicy", "One version").Needs(Caller.Reader)
                .Takes(Id)
                .Bind(static fields => fields.Get(Id)!)
                .AnswersCached<PolicyView, PolicyAnswer>(Wire.Types.PolicyAnswer, static policy => PolicyAnswer.Of(policy)),
            async (id, who) => await (await endpoints.Of(who)).Get(id));
        routes.Map(
            requests.Post("/{policyId}/activate", "activatePolicy", "Put a version in force").Needs(Caller.Lead).Audited("policy.activated")
                .Takes(Id)
                .Bind(static fields => fields.Get(Id)!)
                .Answers(Wire.Types.PolicyActivatedAnswer),
            endpoints.Activate);
    }

    /// <summary>Changes whenever another version is in force, whatever role is asked for (contract 10.4).</summary>
    internal static string TagOf(string policyId, DateTimeOffset updatedAt) =>
        $"\"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{policyId}:{IsoTime.Text(updatedAt)}")).AsSpan(0, 8))}\"";

    private async Task<Answer<PolicyAnswer>> Active((string? Role, bool OnlySelected, string Known) request, ProjectIdentity who,
        HttpContext http)
    {
        var policy = await (await Of(who)).Active();
        var tag = TagOf(policy.PolicyId, policy.UpdatedAt);
        http.Response.Headers.ETag = tag;
        if (request.Known == tag) return Answer.Nothing(StatusCodes.Status304NotModified);

        if (request.Role is null)
        {
            if (request.OnlySelected)
                throw new ApiException(StatusCodes.Status400BadRequest, "only_selected=true requires a role parameter");
            return Answer.Shared(policy, static policy => PolicyAnswer.Of(policy), Wire.Types.PolicyAnswer);
        }

        var selected = policy.Roles.FirstOrDefault(known => known.Role == request.Role)
            ?? throw new ApiException(
                StatusCodes.Status400BadRequest,
                $"Role '{request.Role}' not found. Available roles: "
                + $"[{string.Join(", ", policy.Roles.Select(known => $"'{known.Role}'"))}]");
        return Answer.Of(PolicyAnswer.Of(policy, selected, request.OnlySelected), Wire.Types.PolicyAnswer);
    }

    private async Task<PolicyHistory> History(int limit, ProjectIdentity who)
    {
        var lines = await (await Of(who)).History(limit);
        return new(
            [.. lines.Select(line =>
            new PolicyItem(line.PolicyId, line.Version, IsoTime.Text(line.CreatedAt, "Z"), line.CreatedBy, line.IsActive))]);
    }

    private async Task<PolicyCreatedAnswer> Create(CreatePolicy policy, ProjectIdentity who, HttpContext http)
    {
        var policies = await Of(who);
        if (policy.CreatedBy is { } named) who.MustBe(named, "created_by_workspace_id");
        var created = await policies.Create(policy with { PolicyId = http.NewId(), AgentId = who.AgentId });
        http.Deed(new(created.PolicyId));
        return new(created.PolicyId, who.ProjectId, created.Version, true);
    }

    private async Task<PolicyActivatedAnswer> Activate(string id, ProjectIdentity who)
    {
        if (await (await Of(who)).Activate(id)) return new(true, id);
        var owner = await grains.GetGrain<IDirectoryGrain>(IDirectoryGrain.PolicyName(id)).Find();
        throw owner is null || owner == who.ProjectId
            ? ApiException.NotFound("Policy not found")
            : new ApiException(StatusCodes.Status400BadRequest, "Policy does not belong to this project");
    }

    private async Task<PolicyResetAnswer> Reset(ProjectIdentity who, HttpContext http)
    {
        var reset = await (await Of(who)).Reset(http.NewId(), who.AgentId);
        http.Deed(new(reset.PolicyId));
        return new(true, reset.PolicyId, reset.Version);
    }

    /// <summary>The policies of the caller's project. A key is always of a project that exists; a proxy may name any.</summary>
    private async ValueTask<IPoliciesGrain> Of(ProjectIdentity who) => (await identification.WithStanding(who)).Standing.Exists
        ? grains.GetGrain<IPoliciesGrain>(who.ProjectId)
        : throw ApiException.NotFound("Project not found");

    /// <summary>The bundle without what is unknown at its top; the containers must be of their types, what is in them is free (contract
    /// 10.1).</summary>
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
        return new(policy.PolicyId, policy.ProjectId, policy.Version, IsoTime.Text(policy.UpdatedAt, "Z"), policy.Invariants, roles,
            selected, policy.Adapters);
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
