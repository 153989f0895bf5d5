using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Beadhub.Beads;

namespace Beadhub.Commands;

/// <summary>An issue's line at the server: read as it is, changed only while it still is what was read.</summary>
internal static class BeadLine
{
    private const int Attempts = 8;

    // As bd writes: what needs no escape has none.
    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A line of these fields.</summary>
    public static string Write(JsonObject issue) => issue.ToJsonString(Json);

    /// <summary>By which the server knows a line (<c>based_on</c>).</summary>
    public static string Digest(string line) => LineDigest.Of(Encoding.UTF8.GetBytes(line)).ToString();

    /// <summary>A time as bd writes it.</summary>
    public static string Time(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFFZ", CultureInfo.InvariantCulture);

    public static DateTimeOffset? Time(JsonObject issue, string name) =>
        issue[name] is JsonValue value && value.TryGetValue<string>(out var text)
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    /// <summary>
    /// Changes a bead: reads its line, edits it, and sends it with the command line that it stands for, again when somebody was faster.
    /// </summary>
    /// <returns>Whether the claim that the command line asks for was granted; else why not.</returns>
    /// <exception cref="CommandException">There is no such bead, or others change it all the time.</exception>
    public static async Task<string?> Change(Call call, string id, string commandLine, Action<JsonObject, DateTimeOffset> edit)
    {
        var self = await call.Self();
        var issue = await call.Ask($"v1/beads/issues/{id.Escaped()}");
        var (repo, branch) = (issue.Show("repo"), issue.Show("branch"));
        if (branch != "main")
            throw new CommandException($"{id} is on branch {branch}; only beads of main can be changed so");
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var line = (await call.Hub.AskText(HttpMethod.Get,
                $"v1/beads/export-jsonl?repo={repo.Escaped()}&branch=main&bead_id={id.Escaped()}", null, call.Cancellation)).TrimEnd('\n');
            if (line.Length == 0) throw new CommandException($"{id} is gone", ExitCode.Nothing);
            var fields = JsonNode.Parse(line)!.AsObject();
            var now = DateTimeOffset.UtcNow;
            // A clock that is behind the last writer's must not make the change an old one.
            if (Time(fields, "updated_at") is { } last && last >= now) now = last.AddMilliseconds(1);
            edit(fields, now);
            fields["updated_at"] = Time(now);
            var body = self.About(repo);
            body["sync_mode"] = "incremental";
            body["changed_issues"] = Write(fields);
            body["based_on"] = new JsonArray(Digest(line));
            body["command_line"] = commandLine;
            var answer = await call.Send("v1/bdh/sync", body);
            if (answer.Items("conflicts").Any()) continue;
            return answer.Is("claim_rejected") ? answer.Show("claim_rejected_reason") : null;
        }

        throw new CommandException($"{id} is changed by others all the time; try again", ExitCode.Taken);
    }

    /// <summary>Whether the server knows a bead of this id, rather than a task of its own.</summary>
    public static async Task<bool> Exists(Call call, string id)
    {
        try
        {
            await call.Ask($"v1/beads/issues/{id.Escaped()}");
            return true;
        }
        catch (HubException e) when (e.Status is HttpStatusCode.NotFound)
        {
            return false;
        }
    }
}
