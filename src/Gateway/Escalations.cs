using System.Collections.Immutable;
using Beadhub.Escalations;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/escalations</c>: agents ask humans (contract 11).</summary>
internal sealed class Escalations(IGrainFactory grains, IOutreach outreach)
{
    private const int MaxText = 64 * 1024;

    private static readonly ImmutableArray<string> Statuses =
        [EscalationStatus.Pending, EscalationStatus.Responded, EscalationStatus.Expired];

    private static readonly Field<string?> OfWorkspace = CommonFields.WorkspaceFilter("workspace_id", "Only this workspace's");
    private static readonly Field<string> Id = InPath.UuidBeforeCaller("escalationId", "Id of the escalation");
    private static readonly Field<string> Response = InBody.RequiredProse("response", "The answer", 1, MaxText);
    private static readonly Field<string?> Note = InBody.Prose("note", "What there is to say about it", MaxText);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Escalations>();
        var requests = new RequestGroup("/v1/escalations", "escalations", "Agents ask humans");
        routes.Map(
            requests.Post("", "createEscalation", "Ask a human").Needs(Caller.NamedWorkspace).Adds(Adding.Content)
                .Takes(Question.Fields).Bind(Question.Read)
                .Answers(Wire.Types.EscalationCreatedAnswer),
            endpoints.Create);
        routes.Map(
            requests.Get("", "listEscalations", "Escalations, newest first").Needs(Caller.Reader)
                .Takes(Filter.Fields).Bind(Filter.Read)
                .AnswersCached<EscalationPage, EscalationPageAnswer>(Wire.Types.EscalationPageAnswer, ToAnswer),
            endpoints.List);
        routes.Map(
            requests.Get("/{escalationId}", "getEscalation", "One escalation with its texts").Needs(Caller.Reader)
                .Takes(Id, OfWorkspace)
                .Bind(static fields => (Id: fields.Get(Id), WorkspaceId: fields.Get(OfWorkspace)))
                .Answers<EscalationView>(),
            endpoints.Get);
        routes.Map(
            requests.Post("/{escalationId}/respond", "respondToEscalation", "Answer; a later answer replaces an earlier one")
                .Needs(Caller.Project)
                .Takes(Id, Response, Note)
                .Bind(static fields => (Response: fields.Get(Response), Note: fields.Get(Note), Id: fields.Get(Id)))
                .Answers(Wire.Types.EscalationRespondedAnswer),
            endpoints.Respond);
    }

    private async Task<EscalationCreatedAnswer> Create(Question question, ProjectIdentity who, HttpContext http)
    {
        var agent = await ActiveWorkspace(who.ProjectId, question.WorkspaceId);
        if (agent.Alias != question.Alias) throw ApiException.Forbidden("Alias does not match workspace_id");
        var created = await Grain(who).Create(new(
            http.NewId("escalation"), question.WorkspaceId, question.Alias, question.Subject, question.Situation, [.. question.Options],
            question.Email,
            TimeSpan.FromHours(question.Hours), question.Severity));
        outreach.Wake(who.ProjectId);
        return new(created.EscalationId, created.Status, created.CreatedAt, created.ExpiresAt);
    }

    private async Task<EscalationPage> List(Filter filter, ProjectIdentity who)
    {
        ImmutableHashSet<string>? workspaces = null;
        if (filter.WorkspaceId is not null) await ActiveWorkspace(who.ProjectId, filter.WorkspaceId);
        else if (filter.RepoId is not null) workspaces = await grains.GetGrain<IProjectGrain>(who.ProjectId).WorkspacesOn(filter.RepoId);
        return await Grain(who).List(new(filter.WorkspaceId, workspaces, filter.Status, filter.Alias, filter.Limit, filter.After));
    }

    private async Task<Answer<EscalationView>> Get((string Id, string? WorkspaceId) request, ProjectIdentity who)
    {
        var row = await Visible(who.ProjectId, request.Id);
        if (request.WorkspaceId is not null && row.WorkspaceId != request.WorkspaceId) throw NotFound();
        var view = await Grain(who).Get(request.Id) ?? throw NotFound();
        return who.Mode == AuthMode.PublicReader
            ? Answer.Of(view with { MemberEmail = null }, Wire.Types.EscalationView)
            : Answer.Shared(view, Wire.Types.EscalationView);
    }

    private async Task<EscalationRespondedAnswer> Respond((string Response, string? Note, string Id) request, ProjectIdentity who,
        HttpContext http)
    {
        await Visible(who.ProjectId, request.Id);
        var answer = await Grain(who).Respond(new(request.Id, http.NewId("response"), request.Response, request.Note));
        return new(answer.EscalationId, EscalationStatus.Responded, answer.Response, answer.Note, answer.At);
    }

    /// <summary>What an agent asks (contract 11.1).</summary>
    private sealed record Question(
        string WorkspaceId, string Alias, string Subject, string Situation, List<string> Options, int Hours, string? Email, string Severity)
            : INamesWorkspace
    {
        private const int MaxSubject = 1000;

        private static readonly Field<string> Asking = CommonFields.WorkspaceId("workspace_id", "The workspace that asks");
        private static readonly Field<string> OwnAlias = CommonFields.Alias("Its alias");
        private static readonly Field<string> About = InBody.RequiredProse("subject", "What it is about", 1, MaxSubject);
        private static readonly Field<string> Context = InBody.RequiredProse("situation", "What the human must know", 1, MaxText);
        private static readonly Field<List<string>> Choices = InBody.Words("options", "What the human can choose among", 100, MaxSubject);
        private static readonly Field<int> ExpiresIn = InBody
            .IntegerOr("expires_in_hours", "After how many hours it is too late", 4, 1, 365 * 24);
        private static readonly Field<string?> Member = InBody.Prose("member_email", "Whom to ask", 320);

        private static readonly Field<string> Matters = InBody.Choice("severity",
            "How much it matters: who is told, and when, depends on it",
            Severities.Normal, Severities.Low, Severities.Normal, Severities.High, Severities.Critical);

        public static readonly Field[] Fields = [Asking, OwnAlias, About, Context, Choices, ExpiresIn, Member, Matters];

        public static Question Read(RequestFields fields) => new(
            fields.Get(Asking), fields.Get(OwnAlias), fields.Get(About), fields.Get(Context), fields.Get(Choices),
            fields.Get(ExpiresIn), fields.Get(Member), fields.Get(Matters));
    }

    /// <summary>Which escalations are listed (contract 11.2).</summary>
    private sealed record Filter(string? Status, string? Alias, string? WorkspaceId, string? RepoId, int Limit, EscalationCursor? After)
    {
        private static readonly Field<string?> InStatus = InQuery.Text("status", "Only with this status", 20).Among(Statuses).AfterCaller(
            static status => status is not { Length: > 0 } ? null
                : Statuses.Contains(status) ? status
                : throw ApiException.Unprocessable($"Invalid status. Must be one of: {string.Join(", ", Statuses)}"));

        private static readonly Field<string?> OfAlias = InQuery.Text("alias", "Only this agent's", 64).AfterCaller(
            static alias =>
                alias is not { Length: > 0 }
                ? null : Names.IsAlias(alias) ? alias : throw ApiException.Unprocessable("Invalid alias format"));

        private static readonly Field<string?> OnRepo = InQuery.Text("repo_id", "Only of workspaces on this repository", 36, 36)
            .AfterCaller(
            static repo =>
                repo is null ? null : Names.TryNormalizeUuid(repo, out var id)
                ? id : throw ApiException.Unprocessable("Invalid repo_id format"));

        private static readonly Field<int> Most = InQuery.Limit(50, 200);

        private static readonly Field<EscalationCursor?> Begin = InQuery.CursorBeforeCaller(static cursor =>
            cursor.Time("created_at") is { } at ? new EscalationCursor(at, cursor.Text("escalation_id")) : null);

        public static readonly Field[] Fields = [OfWorkspace, OnRepo, InStatus, OfAlias, Most, Begin];

        public static Filter Read(RequestFields fields) =>
            new(fields.Get(InStatus), fields.Get(OfAlias), fields.Get(OfWorkspace), fields.Get(OnRepo), fields.Get(Most),
                fields.Get(Begin));
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

    private static ApiException NotFound() => ApiException.NotFound("Escalation not found");

    private static EscalationPageAnswer ToAnswer(EscalationPage page) => new(
        [.. page.Escalations.Select(e => new EscalationItem(e.EscalationId, e.Alias, e.Subject, e.Status, e.CreatedAt, e.ExpiresAt))],
        page.Next is not null,
        page.Next is { } next ? Cursor.Encode(c =>
        {
            c.WriteString("created_at", IsoTime.Text(next.CreatedAt));
            if (next.EscalationId is not null) c.WriteString("escalation_id", next.EscalationId);
        }) : null);
}

/// <summary>Answer of <c>POST /v1/escalations</c> (contract 11.1).</summary>
internal sealed record EscalationCreatedAnswer(string EscalationId, string Status, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt);

/// <summary>A page of escalations (contract 11.2).</summary>
internal sealed record EscalationPageAnswer(ImmutableArray<EscalationItem> Escalations, bool HasMore, string? NextCursor);

/// <summary>An escalation in the list.</summary>
internal sealed record EscalationItem(string EscalationId, string Alias, string Subject, string Status, DateTimeOffset CreatedAt,
    DateTimeOffset ExpiresAt);

/// <summary>Answer of <c>POST /v1/escalations/{id}/respond</c> (contract 11.4).</summary>
internal sealed record EscalationRespondedAnswer(string EscalationId, string Status, string Response, string? ResponseNote,
    DateTimeOffset RespondedAt);
