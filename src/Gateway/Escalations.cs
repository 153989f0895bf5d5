using System.Collections.Immutable;
using Beadhub.Escalations;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/escalations</c>: agents ask humans (contract 11).</summary>
internal sealed class Escalations(IGrainFactory grains, Identification identification)
{
    private const int MaxSubject = 1000;
    private const int MaxText = 64 * 1024;
    private const int MaxOptions = 100;
    private const int MaxHours = 365 * 24;
    private const int DefaultHours = 4;

    private static readonly ImmutableArray<string> Statuses = [EscalationStatus.Pending, EscalationStatus.Responded, EscalationStatus.Expired];

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Escalations>();
        var group = routes.MapGroup("/v1/escalations").WithTags("escalations");
        group.Post("", endpoints.Create).Says("Ask a human", 401, 403, 422);
        group.Get("", endpoints.List).Says("Escalations, newest first", 401, 403, 422);
        group.Get("/{escalationId}", endpoints.Get).Says("One escalation with its texts", 401, 404, 422);
        group.Post("/{escalationId}/respond", endpoints.Respond).Says("Answer; a later answer replaces an earlier one", 401, 404, 422);
    }

    private async Task<Answer<EscalationCreatedAnswer>> Create(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        var workspaceId = body.WorkspaceId();
        var alias = body.Alias();
        var subject = body.RequiredProse("subject", 1, MaxSubject);
        var situation = body.RequiredProse("situation", 1, MaxText);
        var options = body.Words("options", MaxOptions, MaxSubject);
        var hours = body.Integer("expires_in_hours", 1, MaxHours) ?? DefaultHours;
        var email = body.Prose("member_email", 320);
        body.Done();

        var who = await identification.Of(http);
        who.MustBe(workspaceId);
        var agent = await ActiveWorkspace(who.ProjectId, workspaceId);
        if (agent.Alias != alias) throw ApiException.Forbidden("Alias does not match workspace_id");
        var created = await Grain(who).Create(new(
            http.NewId("escalation"), workspaceId, alias, subject, situation, [.. options], email, TimeSpan.FromHours(hours)));
        return Answer.Of(new EscalationCreatedAnswer(created.EscalationId, created.Status, created.CreatedAt, created.ExpiresAt), Wire.Types.EscalationCreatedAnswer);
    }

    private async Task<Answer<EscalationPageAnswer>> List(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var workspace = query.Text("workspace_id");
        var repo = query.Text("repo_id", 36, 36);
        var status = query.Text("status", 20);
        var alias = query.Text("alias", 64);
        var limit = query.Integer("limit", 50, 1, 200);
        var cursorText = query.Text("cursor");
        query.Done();
        var cursor = Cursor.Decode(cursorText);
        var after = cursor?.Time("created_at") is { } createdAt ? new EscalationCursor(createdAt, cursor.Value.Text("escalation_id")) : null;

        var who = await identification.Of(http);
        if (status is { Length: > 0 } && !Statuses.Contains(status)) throw ApiException.Unprocessable($"Invalid status. Must be one of: {string.Join(", ", Statuses)}");
        if (alias is { Length: > 0 } && !Names.IsAlias(alias)) throw ApiException.Unprocessable("Invalid alias format");
        var workspaceId = CommonFields.WorkspaceIdOrNull(workspace);
        ImmutableHashSet<string>? workspaces = null;
        if (workspaceId is not null)
        {
            await ActiveWorkspace(who.ProjectId, workspaceId);
        }
        else if (repo is not null)
        {
            if (!Names.TryNormalizeUuid(repo, out var repoId)) throw ApiException.Unprocessable("Invalid repo_id format");
            workspaces = await grains.GetGrain<IProjectGrain>(who.ProjectId).WorkspacesOn(repoId);
        }

        var page = await Grain(who).List(new(workspaceId, workspaces, NullIfEmpty(status), NullIfEmpty(alias), limit, after));
        return Answer.Shared(page, ToAnswer, Wire.Types.EscalationPageAnswer);
    }

    private async Task<Answer<EscalationView>> Get(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var workspace = query.Text("workspace_id");
        query.Done();
        var id = EscalationId(http);

        var who = await identification.Of(http);
        var workspaceId = CommonFields.WorkspaceIdOrNull(workspace);
        var row = await Visible(who.ProjectId, id);
        if (workspaceId is not null && row.WorkspaceId != workspaceId) throw NotFound();
        var view = await Grain(who).Get(id) ?? throw NotFound();
        return who.Mode == AuthMode.PublicReader
            ? Answer.Of(view with { MemberEmail = null }, Wire.Types.EscalationView)
            : Answer.Shared(view, Wire.Types.EscalationView);
    }

    private async Task<Answer<EscalationRespondedAnswer>> Respond(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        var response = body.RequiredProse("response", 1, MaxText);
        var note = body.Prose("note", MaxText);
        body.Done();
        var id = EscalationId(http);

        var who = await identification.Of(http);
        await Visible(who.ProjectId, id);
        var answer = await Grain(who).Respond(new(id, http.NewId("response"), response, note));
        return Answer.Of(
            new EscalationRespondedAnswer(answer.EscalationId, EscalationStatus.Responded, answer.Response, answer.Note, answer.At), Wire.Types.EscalationRespondedAnswer);
    }

    private IEscalationsGrain Grain(ProjectIdentity who) => grains.GetGrain<IEscalationsGrain>(who.ProjectId);

    private async Task<AgentIdentity> ActiveWorkspace(string projectId, string workspaceId) =>
        await grains.GetGrain<IProjectGrain>(projectId).Agent(workspaceId) is { HasWorkspace: true } agent
            ? agent
            : throw ApiException.Forbidden("Workspace not found or does not belong to your project");

    /// <summary>Those of deleted workspaces are found in lists only (contract 11.3).</summary>
    private async Task<EscalationRow> Visible(string projectId, string escalationId) =>
        await grains.GetGrain<IEscalationsGrain>(projectId).Find(escalationId) is { } row
        && await grains.GetGrain<IProjectGrain>(projectId).Agent(row.WorkspaceId) is { HasWorkspace: true }
            ? row
            : throw NotFound();

    private static string EscalationId(HttpContext http) =>
        Names.TryNormalizeUuid(http.PathPart("escalationId"), out var id) ? id : throw ApiException.Unprocessable("Invalid escalation_id format");

    private static ApiException NotFound() => ApiException.NotFound("Escalation not found");

    private static EscalationPageAnswer ToAnswer(EscalationPage page) => new(
        [.. page.Escalations.Select(e => new EscalationItem(e.EscalationId, e.Alias, e.Subject, e.Status, e.CreatedAt, e.ExpiresAt))],
        page.Next is not null,
        page.Next is { } next ? Cursor.Encode(c =>
        {
            c.WriteString("created_at", IsoTime.Text(next.CreatedAt));
            if (next.EscalationId is not null) c.WriteString("escalation_id", next.EscalationId);
        }) : null);

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}

/// <summary>Answer of <c>POST /v1/escalations</c> (contract 11.1).</summary>
internal sealed record EscalationCreatedAnswer(string EscalationId, string Status, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt);

/// <summary>A page of escalations (contract 11.2).</summary>
internal sealed record EscalationPageAnswer(ImmutableArray<EscalationItem> Escalations, bool HasMore, string? NextCursor);

/// <summary>An escalation in the list.</summary>
internal sealed record EscalationItem(string EscalationId, string Alias, string Subject, string Status, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt);

/// <summary>Answer of <c>POST /v1/escalations/{id}/respond</c> (contract 11.4).</summary>
internal sealed record EscalationRespondedAnswer(string EscalationId, string Status, string Response, string? ResponseNote, DateTimeOffset RespondedAt);
