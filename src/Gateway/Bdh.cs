using System.Collections.Immutable;
using Beadhub.Beads;
using Beadhub.Boards;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/bdh</c>: what the command-line client asks before a command and sends after it (contract 8).</summary>
internal sealed class Bdh(IGrainFactory grains)
{
    private const int MaxCommandLine = 8192;
    private const int MostDeleted = 100_000;

    private static readonly Field<string> Workspace = CommonFields.WorkspaceId("workspace_id", "The client's workspace");
    private static readonly Field<string?> RepoId = InBody.Optional("repo_id", "Id of the repository; not looked at");
    private static readonly Field<string> Alias = CommonFields.Alias("The workspace's alias");
    private static readonly Field<string> HumanName = InBody.Required("human_name", "Whom the workspace works for", 0, 64)
        .Must(Names.IsHumanName, "Invalid human_name format");
    private static readonly Field<string?> Role = InBody.Optional("role", "The workspace's role", max: 50).Example("developer");
    private static readonly Field<string> AnyOrigin = InBody.Required("repo_origin", "Remote of the repository", 1, 2048);
    private static readonly Field<string> CommandLine = InBody.Required("command_line", "The command line", 1, MaxCommandLine)
        .Example("update bd-1 --status in_progress");

    private static readonly Field<Origin> Origin = InBody.RequiredOrigin("repo_origin", "Remote of the repository");
    private static readonly Field<ImmutableArray<byte>> Whole =
        InBody.Utf8("issues_jsonl", "All issues, one a line, for a full sync", Beads.MaxText);
    private static readonly Field<ImmutableArray<byte>> Changed =
        InBody.Utf8("changed_issues", "Issues that changed, one a line, for an incremental sync", Beads.MaxText);
    private static readonly Field<string?> Mode = InBody.Optional("sync_mode", "full or incremental; full unless given", max: 32)
        .Example("full");
    private static readonly Field<List<string>> Deleted =
        InBody.Texts("deleted_ids", "Ids of issues that are gone, for an incremental sync", MostDeleted);
    private static readonly Field<int?> Protocol =
        InBody.Integer("sync_protocol_version", "The client's version of this request; not looked at", int.MinValue, int.MaxValue);
    private static readonly Field<string?> AfterCommand =
        InBody.Optional("command_line", "The command line after which is synced: it claims and releases", max: MaxCommandLine);

    private static readonly Field<ImmutableArray<LineDigest>?> BasedOn = InBody.Texts("based_on",
        "Digests of the lines that the client has merged into what it sends, each base64 of the first 16 bytes of a line's SHA-256: an "
        + "issue that is stored with another line is kept and named in conflicts; without this field the newer updated_at counts",
        MostDeleted)
        .To<ImmutableArray<LineDigest>?>(ReadDigests, "must be digests of lines");

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Bdh>();
        var requests = new RequestGroup("/v1/bdh", "bdh", "What the command-line client asks before a command and sends after it");
        routes.Map(
            requests.Post("/command", "approveCommand", "May this command line run?").Needs(Caller.NamedWorkspaceEvenEnded)
                .TakesOnly(Workspace, RepoId, Alias, HumanName, Role, AnyOrigin, CommandLine)
                .Bind(static fields => new CommandRequest(Client.Read(fields), fields.Get(AnyOrigin), fields.Get(CommandLine)))
                .Answers(Wire.Types.CommandAnswer),
            endpoints.Command);
        routes.Map(
            requests.Post("/sync", "syncIssues", "Push issues, whole or changed; claim or release by the command line")
                .Needs(Caller.NamedWorkspaceEvenEnded).Adds(Adding.Content)
                .TakesOnly(Workspace, RepoId, Alias, HumanName, Role, Origin, Whole, Changed, Mode, Deleted, Protocol, AfterCommand,
                    BasedOn)
                .Bind(static fields => new SyncRequest(
                    Client.Read(fields), fields.Get(Origin), fields.Get(Whole), fields.Get(Changed),
                    (fields.Get(Mode) ?? "full").Trim().ToLowerInvariant(),
                    fields.Get(Deleted), fields.Get(AfterCommand), fields.Has(BasedOn) ? fields.Get(BasedOn) : null))
                .Answers(Wire.Types.SyncAnswer),
            endpoints.Sync);
    }

    private async Task<CommandAnswer> Command(CommandRequest request, ProjectIdentity who)
    {
        await Enter(request.Client, who);
        var decision = await grains.GetGrain<IBoardGrain>(who.ProjectId).Decide(new(request.WorkspaceId, request.CommandLine));
        return new(decision.Approved, decision.Reason, new(0, decision.InProgress));
    }

    private async Task<SyncAnswer> Sync(SyncRequest request, ProjectIdentity who)
    {
        // Existence before what is wrong with the rest (contract 8.2).
        await Enter(request.Client, who);
        var (incremental, lines) = request.Lines();
        var outcome = await grains.GetGrain<IBoardGrain>(who.ProjectId).Sync(new(
            request.WorkspaceId, request.Client.Alias, request.Client.HumanName, request.Origin.Canonical, "main", lines,
            [.. request.Deleted], incremental,
            request.CommandLine, request.BasedOn));
        if (outcome.Added > 0 || outcome.Deleted > 0 || outcome.Updated > outcome.Unchanged)
            await History.Commits.AfterWrite(grains, who.ProjectId,
                new(request.Client.Alias, request.WorkspaceId, request.Client.HumanName),
                request.CommandLine is { Length: > 0 } line ? line : $"sync {request.Origin.Canonical}");
        return new(
            true, outcome.Total, null, new(outcome.Received, outcome.Added, outcome.Updated, outcome.Deleted, outcome.Unchanged), 1,
            outcome.ClaimRefused is not null, outcome.ClaimRefused ?? "", outcome.Conflicts);
    }

    private static bool ReadDigests(List<string> texts, out ImmutableArray<LineDigest>? digests)
    {
        var read = texts.ConvertAll(static text => LineDigest.Parse(text));
        digests = [.. read];
        return !read.Contains(default);
    }

    private Task Enter(Client client, ProjectIdentity who) =>
        grains.GetGrain<IProjectGrain>(who.ProjectId).Enter(new(client.WorkspaceId, client.HumanName, client.Role));

    /// <summary>Who the client says it is; the same in both requests.</summary>
    private sealed record Client(string WorkspaceId, string Alias, string HumanName, string? Role)
    {
        public static Client Read(RequestFields fields)
        {
            var workspaceId = fields.Get(Workspace);
            fields.Get(RepoId);
            return new(workspaceId, fields.Get(Bdh.Alias), fields.Get(Bdh.HumanName), fields.Get(Bdh.Role));
        }
    }

    private sealed record CommandRequest(Client Client, string RepoOrigin, string CommandLine) : INamesWorkspace
    {
        public string WorkspaceId => Client.WorkspaceId;
    }

    private sealed record SyncRequest(
        Client Client, Origin Origin, ImmutableArray<byte> Whole, ImmutableArray<byte> Changed, string Mode, List<string> Deleted,
        string? CommandLine, ImmutableArray<LineDigest>? BasedOn)
        : INamesWorkspace
    {
        public string WorkspaceId => Client.WorkspaceId;

        /// <summary>The issues that are sent, by the mode of the sync.</summary>
        /// <exception cref="ApiException">422: there are none, or the mode is none.</exception>
        public (bool IsIncremental, ImmutableArray<byte> Lines) Lines()
        {
            if (!Names.IsCanonicalOrigin(Origin.Canonical)) throw ApiException.Unprocessable("Invalid repo_origin");
            switch (Mode)
            {
                case "full":
                    return IsBlank(Whole.AsSpan()) ? throw ApiException.Unprocessable("issues_jsonl is required for full sync")
                        : (false, Whole);
                case "incremental":
                    return IsBlank(Changed.AsSpan()) && Deleted.Count == 0
                        ? throw ApiException.Unprocessable("incremental sync requires changes or deletions")
                        : (true, Changed);
                default:
                    throw ApiException.Unprocessable("sync_mode must be 'full' or 'incremental'");
            }
        }

        private static bool IsBlank(ReadOnlySpan<byte> utf8)
        {
            foreach (var b in utf8)
                if (b is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')) return false;
            return true;
        }
    }
}

/// <summary>Answer of <c>POST /v1/bdh/command</c> (contract 8.2).</summary>
internal sealed record CommandAnswer(bool Approved, string Reason, CommandContext Context);

/// <summary>What the client shows and, for <c>close</c>, decides by.</summary>
internal sealed record CommandContext(int MessagesWaiting, ImmutableArray<BeadInProgress> BeadsInProgress);

/// <summary>Answer of <c>POST /v1/bdh/sync</c> (contract 8.3), with the ids whose stored issue was kept.</summary>
internal sealed record SyncAnswer(
    bool Synced,
    int IssuesCount,
    string? Context,
    SyncStats Stats,
    int SyncProtocolVersion,
    bool ClaimRejected,
    string ClaimRejectedReason,
    ImmutableArray<string> Conflicts);

/// <summary>
/// What a sync stored: <c>updated</c> counts the issues that were there already, of which <c>unchanged</c> stand as they stood.
/// </summary>
internal sealed record SyncStats(int Received, int Inserted, int Updated, int Deleted, int Unchanged);
