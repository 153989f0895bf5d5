using System.Text.Json.Nodes;

namespace Beadhub.Commands.Sync;

/// <summary>A repository's issues at the server, replaced only where they are what was seen.</summary>
internal sealed class HubIssues(Hub hub, Self self) : IIssueHub
{
    public async Task<Dictionary<string, IssueLine>> Read(CancellationToken cancellation) => IssueLine.Read(
        await hub.AskText(HttpMethod.Get, $"v1/beads/export-jsonl?repo={self.MustHaveRepo().Escaped()}&branch=main", null, cancellation),
        "what the hub exports");

    public async Task<IReadOnlySet<string>> Write(IReadOnlyList<IssueLine> lines, IReadOnlyList<string> deleted,
        IReadOnlyList<IssueLine> seen, CancellationToken cancellation)
    {
        var (overtaken, ended) = (new HashSet<string>(StringComparer.Ordinal), new List<string>());
        var digests = seen.ToDictionary(static line => line.Id, static line => BeadLine.Digest(line.Text));
        var left = deleted.ToArray();
        foreach (var part in TransferCommands.Parts(lines.Select(static line => line.Text)).DefaultIfEmpty([]))
        {
            var (sent, gone) = (IssueLine.Read(string.Join('\n', part), "what is sent"), left);
            left = [];
            var body = self.About();
            body["sync_mode"] = "incremental";
            body["changed_issues"] = string.Join('\n', part);
            body["deleted_ids"] = Texts(gone);
            body["based_on"] = Texts(sent.Keys.Concat(gone).Where(digests.ContainsKey).Select(id => digests[id]));
            var answer = await hub.Post("v1/bdh/sync", body, cancellation);
            overtaken.UnionWith(answer.Items("conflicts").Select(static id => id.ToString()));
            ended.AddRange(sent.Values.Where(static line => line.Fields["status"]?.ToString() is "closed" or "tombstone")
                .Select(static line => line.Id));
        }

        if (ended.Count > 0) await Release(ended.Except(overtaken).ToHashSet(), cancellation);
        return overtaken;
    }

    /// <summary>What this agent has closed in its own tool it does not work on any more.</summary>
    private async Task Release(HashSet<string> ended, CancellationToken cancellation)
    {
        var claims = await hub.Get($"v1/claims?workspace_id={self.Id}&limit=200", cancellation);
        foreach (var claim in claims.Items("claims"))
            if (ended.Contains(claim.Show("bead_id")))
                await hub.Ask(HttpMethod.Delete, $"v1/beads/{claim.Show("bead_id").Escaped()}/claims", null, cancellation);
    }

    private static JsonArray Texts(IEnumerable<string> texts) => new([.. texts.Select(static text => JsonValue.Create(text))]);
}
