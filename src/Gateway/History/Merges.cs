using System.Collections.Immutable;
using System.Text.Json;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.History;
using Orleans;

namespace Beadhub.Gateway.History;

/// <summary><c>/v1/beads/merge</c>: merges of versions into what stands, and the conflicts of one that waits.</summary>
internal sealed class Merges(IGrainFactory grains)
{
    private static readonly Field<string> From = InBody.Required("from", $"The version that is merged: {Commits.Versions}", 1, 200)
        .Example("proposal");
    private static readonly Field<string?> Message = InBody.Prose("message", "Message of the merge's commit", CommitObject.MaxMessage,
        min: 1);
    private static readonly Field<string?> Prefer =
        InBody.Word("prefer", "Which side is taken in conflicts; without it the merge waits for decisions", "ours", "theirs");

    private static readonly Field<string> BeadId = InBody.Required("bead_id", "Bead of the conflict", 1, 100).Example("bd-1");
    private static readonly Field<string?> Repo =
        InBody.Optional("repo", "Canonical origin; only needed where the same id stands in several repositories", max: 255);
    private static readonly Field<string?> Branch = InBody.Optional("branch", "Branch of the repository; as the repository", max: 255);
    private static readonly Field<string?> FieldName =
        InBody.Optional("field", "Field of the conflict; none where one side has removed the bead", max: 255).Example("title");
    private static readonly Field<string?> Take = InBody.RequiredWord("take", "What the field is to be", "ours", "theirs", "base", "value");
    private static readonly Field<JsonElement?> Value =
        InBody.Json("value", new() { Description = "With take value: the value" });

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Merges>();
        var requests = new RequestGroup("/v1/beads/merge", "history", "Commits of all beads: compare, restore, merge");
        routes.Map(
            requests.Post("", "mergeBeads",
                "Merge a version into what stands, field by field, and commit; with conflicts it waits and changes nothing")
                .Needs(Caller.Actor).Adds(Adding.Content).Audited("history.merged")
                .TakesOnly(From, Message, Prefer).Fails(409)
                .Bind(static fields => (From: fields.Get(From), Message: fields.Get(Message), Prefer: fields.Get(Prefer)))
                .Answers(Wire.Types.MergeOutcome),
            (request, actor) => endpoints.History(actor.Who).Merge(new(Commits.By(actor), request.From, request.Message, request.Prefer)));
        routes.Map(
            requests.Get("", "getMerge", "The merge that waits, with its conflicts").Needs(Caller.Member("read the history"))
                .Fails(404, 409)
                .Answers(Wire.Types.MergeAnswer),
            async who => MergeAnswer.Of(await endpoints.History(who).Waiting() ?? throw ApiException.NotFound("No merge waits")));
        routes.Map(
            requests.Post("/resolve", "resolveConflict", "Decide on a conflict of the merge that waits").Needs(Caller.Actor)
                .TakesOnly(BeadId, Repo, Branch, FieldName, Take, Value).Fails(404, 409)
                .Bind(static fields =>
                {
                    var choice = new ConflictChoice(fields.Get(BeadId), NullIfEmpty(fields.Get(Repo)), NullIfEmpty(fields.Get(Branch)),
                        NullIfEmpty(fields.Get(FieldName)), fields.Get(Take) ?? "ours", fields.Get(Value)?.GetRawText());
                    if (choice.Take == "value" && (choice.Value is null || choice.Field is null or "id"))
                        fields.Fail(Value, "a field's value is needed");
                    return choice;
                })
                .Answers(Wire.Types.MergeAnswer),
            async (choice, actor) => MergeAnswer.Of(await endpoints.History(actor.Who).Choose(choice, actor.Alias)));
        routes.Map(
            requests.Post("/complete", "completeMerge", "Carry out the merge that waits").Needs(Caller.Actor).Audited("history.merged")
                .TakesOnly(Message).BodyMayBeMissing().Fails(404, 409)
                .Bind(static fields => new Completion(fields.Get(Message)))
                .Answers(Wire.Types.MergeOutcome),
            (request, actor) => endpoints.History(actor.Who).Complete(Commits.By(actor), request.Message));
        routes.Map(
            requests.Delete("", "abandonMerge", "Give up the merge that waits").Needs(Caller.Actor).Fails(404)
                .Answers(Wire.Types.HistoryAnswer),
            async actor =>
            {
                await endpoints.History(actor.Who).Abandon(actor.Alias);
                return HistoryAnswer.Of(await endpoints.History(actor.Who).Status());
            });
    }

    private sealed record Completion(string? Message);

    private IHistoryGrain History(ProjectIdentity who) => grains.GetGrain<IHistoryGrain>(who.ProjectId);

    private static string? NullIfEmpty(string? text) => text is "" ? null : text;
}

/// <summary>The merge that waits.</summary>
internal sealed record MergeAnswer(ObjectHash From, string Name, string Message, string By, DateTimeOffset At,
    ImmutableArray<ConflictingField> Conflicts, int Resolved)
{
    public static MergeAnswer Of(PendingMerge merge) => new(merge.From, merge.Name, merge.Message, merge.By, merge.At,
        [.. merge.Conflicts.Select(static one => new ConflictingField(one.BeadId, one.Repo, one.Branch, one.Field,
            ChangedField.Json(one.Base), ChangedField.Json(one.Ours), ChangedField.Json(one.Theirs)))],
        merge.Choices.Length);
}

/// <summary>A field that both sides have changed; null where a side has none, and no field where one has removed the bead.</summary>
internal sealed record ConflictingField(string BeadId, string Repo, string Branch, string? Field, JsonElement? Base, JsonElement? Ours,
    JsonElement? Theirs);
