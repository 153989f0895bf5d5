using System.Collections.Immutable;
using Beadhub.Boards;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/bdh</c>: what the command-line client asks before a command and sends after it (contract 8).</summary>
internal sealed class Bdh(IGrainFactory grains, Identification identification)
{
    private const int MostDeleted = 100_000;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Bdh>();
        var group = routes.MapGroup("/v1/bdh").WithTags("bdh");
        group.Post("/command", endpoints.Command).Says("May this command line run?", 401, 403, 404, 410, 422);
        group.Post("/sync", endpoints.Sync).Says("Push issues, whole or changed; claim or release by the command line", 400, 401, 403, 404, 410, 422);
    }

    private async Task<Answer<CommandAnswer>> Command(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        body.Only("workspace_id", "repo_id", "alias", "human_name", "repo_origin", "role", "command_line");
        var caller = Caller.Read(body);
        body.Required("repo_origin", 1, 2048);
        var commandLine = body.Required("command_line", 1, 8192);
        body.Done();

        var project = await Enter(http, caller);
        var decision = await grains.GetGrain<IBoardGrain>(project).Decide(new(caller.WorkspaceId, commandLine));
        return Answer.Of(new CommandAnswer(decision.Approved, decision.Reason, new(0, decision.InProgress)), Wire.Types.CommandAnswer);
    }

    private async Task<Answer<SyncAnswer>> Sync(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        body.Only("workspace_id", "repo_id", "alias", "human_name", "repo_origin", "role", "issues_jsonl", "sync_mode", "changed_issues", "deleted_ids",
            "sync_protocol_version", "command_line");
        var caller = Caller.Read(body);
        var origin = body.Origin("repo_origin", required: true);
        var whole = body.Utf8Text("issues_jsonl", Beads.MaxText);
        var changed = body.Utf8Text("changed_issues", Beads.MaxText);
        var mode = (body.Optional("sync_mode", max: 32) ?? "full").Trim().ToLowerInvariant();
        var deletedIds = body.Texts("deleted_ids", MostDeleted);
        body.Integer("sync_protocol_version", int.MinValue, int.MaxValue);
        var commandLine = body.Optional("command_line", max: 8192);
        body.Done();

        var project = await Enter(http, caller);
        if (!Names.IsCanonicalOrigin(origin!.Canonical)) throw ApiException.Unprocessable("Invalid repo_origin");
        var incremental = mode switch
        {
            "full" => false,
            "incremental" => true,
            _ => throw ApiException.Unprocessable("sync_mode must be 'full' or 'incremental'"),
        };
        if (!incremental && IsBlank(whole.AsSpan())) throw ApiException.Unprocessable("issues_jsonl is required for full sync");
        if (incremental && IsBlank(changed.AsSpan()) && deletedIds.Count == 0) throw ApiException.Unprocessable("incremental sync requires changes or deletions");

        var outcome = await grains.GetGrain<IBoardGrain>(project).Sync(new(caller.WorkspaceId, caller.Alias, caller.HumanName, origin.Canonical, "main",
            incremental ? changed : whole, [.. deletedIds], incremental, commandLine));
        return Answer.Of(
            new SyncAnswer(true, outcome.Total, null, new(outcome.Received, outcome.Added, outcome.Updated, outcome.Deleted, outcome.Unchanged), 1,
                outcome.ClaimRefused is not null, outcome.ClaimRefused ?? ""),
            Wire.Types.SyncAnswer);
    }

    /// <summary>Authentication, actor binding, existence (contract 8.2), in this order. Answers the project.</summary>
    private async Task<string> Enter(HttpContext http, Caller caller)
    {
        var who = await identification.EvenEndedOf(http);
        who.MustBe(caller.WorkspaceId);
        await grains.GetGrain<IProjectGrain>(who.ProjectId).Enter(new(caller.WorkspaceId, caller.HumanName, caller.Role));
        return who.ProjectId;
    }

    private static bool IsBlank(ReadOnlySpan<byte> utf8)
    {
        foreach (var b in utf8)
            if (b is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')) return false;
        return true;
    }

    /// <summary>Who the client says it is; the same in both bodies.</summary>
    private sealed record Caller(string WorkspaceId, string Alias, string HumanName, string? Role)
    {
        public static Caller Read(BodyFields body)
        {
            var workspaceId = body.WorkspaceId();
            body.Optional("repo_id");
            var alias = body.Alias();
            var humanName = body.Required("human_name", 0, 64);
            if (!Names.IsHumanName(humanName)) body.Fail("human_name", "Invalid human_name format");
            return new(workspaceId, alias, humanName, body.Optional("role", max: 50));
        }
    }
}

/// <summary>Answer of <c>POST /v1/bdh/command</c> (contract 8.2).</summary>
internal sealed record CommandAnswer(bool Approved, string Reason, CommandContext Context);

/// <summary>What the client shows and, for <c>close</c>, decides by.</summary>
internal sealed record CommandContext(int MessagesWaiting, ImmutableArray<BeadInProgress> BeadsInProgress);

/// <summary>Answer of <c>POST /v1/bdh/sync</c> (contract 8.3).</summary>
internal sealed record SyncAnswer(
    bool Synced,
    int IssuesCount,
    string? Context,
    SyncStats Stats,
    int SyncProtocolVersion,
    bool ClaimRejected,
    string ClaimRejectedReason);

/// <summary>What a sync stored: <c>updated</c> counts the issues that were there already, of which <c>unchanged</c> stand as they stood.</summary>
internal sealed record SyncStats(int Received, int Inserted, int Updated, int Deleted, int Unchanged);
