using System.Collections.Immutable;
using System.Text.Json;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.History;
using Orleans;

namespace Beadhub.Gateway.History;

/// <summary><c>/v1/beads</c>: what has happened to an issue, who has set its fields, and making beads what they were.</summary>
internal sealed class IssueVersions(IGrainFactory grains)
{
    private static readonly Field<string> BeadId = InPath.Text("beadId", "Id of the bead").Example("bd-1")
        .AfterCaller(static id => Names.IsBeadId(id) ? id : throw ApiException.NotFound("Issue not found"));
    private static readonly Field<string?> Repo = InQuery.Filter("repo", "Canonical origin", 255);
    private static readonly Field<string?> Branch = InQuery.Filter("branch", "Branch", 255);
    private static readonly Field<int> Limit = InQuery.Limit(100, 500);
    private static readonly Field<string?> After = InQuery.Cursor(static cursor =>
        cursor.TryGetProperty("after", out var after) && after.ValueKind == JsonValueKind.Number && after.TryGetInt64(out _)
            ? after.GetRawText() : throw Cursor.Invalid("incomplete"));

    private static readonly Field<string> To = InBody.Required("version", $"The version: {Commits.Versions}", 1, 200).Example("HEAD~1");
    private static readonly Field<List<string>> BeadIds = InBody.Words("bead_ids", "Only these beads; all unless given", 10_000, 100);
    private static readonly Field<string?> OnlyRepo = InBody.Optional("repo", "Only of this repository", max: 255)
        .Example("github.com/org/repo");
    private static readonly Field<string?> OnlyBranch = InBody.Optional("branch", "Only of this branch of the repository", max: 255);
    private static readonly Field<string?> ChangedBy =
        InBody.Optional("changed_by", "Only beads that the agent of this alias has changed since", max: 64).Example("alice");
    private static readonly Field<string?> Message =
        InBody.Prose("message", "Commit it with this message; without one it is left uncommitted", CommitObject.MaxMessage, min: 1);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<IssueVersions>();
        var requests = new RequestGroup("/v1/beads", "history", "Commits of all beads: compare, restore, merge");
        var member = Caller.Member("read the history");
        routes.Map(
            requests.Get("/issues/{beadId}/history", "getIssueHistory", "What has happened to an issue, oldest first").Needs(member)
                .Takes(BeadId, Repo, Branch, Limit, After)
                .Bind(static fields => new IssueHistoryQuery(fields.Get(BeadId), fields.Get(Repo), fields.Get(Branch), fields.Get(Limit),
                    fields.Get(After) is { } after ? long.Parse(after, System.Globalization.CultureInfo.InvariantCulture) : 0))
                .Answers(Wire.Types.IssueHistoryAnswer),
            endpoints.Events);
        routes.Map(
            requests.Get("/issues/{beadId}/blame", "blameIssue", "Who has set each field of an issue last, and in which commit")
                .Needs(member)
                .Takes(BeadId, Repo, Branch)
                .Bind(static fields => new IssueHistoryQuery(fields.Get(BeadId), fields.Get(Repo), fields.Get(Branch)))
                .Answers(Wire.Types.BlameAnswer),
            endpoints.Blame);
        routes.Map(
            requests.Post("/restore", "restoreBeads", "Make beads what they were at a version, with lines newer than those that stand")
                .Needs(Caller.Actor).Adds(Adding.Content).Audited("history.restored")
                .TakesOnly(To, BeadIds, OnlyRepo, OnlyBranch, ChangedBy, Message).Fails(409)
                .Bind(static fields => (To: fields.Get(To), Ids: fields.Get(BeadIds), Repo: fields.Get(OnlyRepo),
                    Branch: fields.Get(OnlyBranch), By: fields.Get(ChangedBy), Message: fields.Get(Message)))
                .Answers(Wire.Types.RestoreOutcome),
            (request, actor) => endpoints.History(actor.Who).Restore(new(Commits.By(actor), request.To, [.. request.Ids],
                NullIfEmpty(request.Repo), NullIfEmpty(request.Branch), NullIfEmpty(request.By), request.Message)));
    }

    private async Task<IssueHistoryAnswer> Events(IssueHistoryQuery query, ProjectIdentity who)
    {
        var page = await History(who).Events(query);
        if (page.Events.IsEmpty && query.After == 0) throw ApiException.NotFound("Issue not found");
        return new(query.BeadId, [.. page.Events.Select(IssueEventItem.Of)], page.Next is not null,
            page.Next is { } next ? Cursor.Encode(cursor => cursor.WriteNumber("after", next)) : null);
    }

    private async Task<BlameAnswer> Blame(IssueHistoryQuery query, ProjectIdentity who)
    {
        var blame = await History(who).Blame(query);
        return new(blame.BeadId, blame.Repo, blame.Branch, [.. blame.Fields.Select(static field => new BlamedItem(
            field.Field, ChangedField.Json(field.Value)!.Value, field.Commit, field.Author, field.Time, field.By, field.At,
            field.Command))]);
    }

    private IHistoryGrain History(ProjectIdentity who) => grains.GetGrain<IHistoryGrain>(who.ProjectId);

    private static string? NullIfEmpty(string? text) => text is "" ? null : text;
}

/// <summary>What has happened to an issue.</summary>
internal sealed record IssueHistoryAnswer(string BeadId, ImmutableArray<IssueEventItem> Events, bool HasMore, string? NextCursor);

/// <summary>Something that has happened to an issue.</summary>
internal sealed record IssueEventItem(long Version, string Change, DateTimeOffset At, string By, string? AgentId, string? Command,
    string? Repo, string? Branch, ImmutableArray<ChangedField> Fields)
{
    public static IssueEventItem Of(IssueEvent one) => new(one.Version, one.Change, one.At, one.By, one.AgentId, one.Command, one.Repo,
        one.Branch, [.. one.Fields.Select(ChangedField.Of)]);
}

/// <summary>Who has set each field of an issue last.</summary>
internal sealed record BlameAnswer(string BeadId, string Repo, string Branch, ImmutableArray<BlamedItem> Fields);

/// <summary>Who has set a field last: in which commit it came, and who set it here.</summary>
internal sealed record BlamedItem(string Field, JsonElement Value, ObjectHash? Commit, string? Author, DateTimeOffset? Time, string? By,
    DateTimeOffset? At, string? Command);
