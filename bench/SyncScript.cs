using System.Globalization;
using System.Text;
using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.Bench;

/// <summary>
/// One-issue syncs as a Lua script for wrk. Requests go round the beads and the agents; each gives its bead a new title and a later time of
/// change, so that each is real work.
/// </summary>
internal static class SyncScript
{
    private static int _runs;

    public static string IssueId(int number) => $"w-{number}";

    /// <summary>An issue of ordinary size as a line of an issue file.</summary>
    public static string Issue(int number, string title, string status, DateTimeOffset updated) => JsonSerializer.Serialize(
        new
        {
            id = IssueId(number),
            title,
            description =
                "The sync fails when the network drops in the middle of an upload; retry it with a delay that grows, and tell the user "
                + "after the third time.",
            status,
            priority = 2,
            issue_type = "task",
            created_at = "2025-12-01T09:00:00Z",
            created_by = "ada",
            updated_at = updated.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
        },
        Api.Json);

    /// <summary>Changes one of the teams' first beads in each request.</summary>
    /// <param name="teams">One with any number of agents, or many with one each.</param>
    /// <param name="beads">How many beads of each team; a multiple of its agents, so that a bead always has the same agent.</param>
    /// <param name="claims">Each bead is also claimed by its agent (<c>update X --status in_progress</c>) in one round and put back in the
    /// next.</param>
    public static string Write(IReadOnlyList<Team> teams, int beads, bool claims)
    {
        // Later than all that an earlier run wrote.
        var start = DateTimeOffset.Parse("2026-01-01T00:00:00Z", CultureInfo.InvariantCulture).AddHours(Interlocked.Increment(ref _runs))
            .ToUnixTimeSeconds();
        var script = new StringBuilder("local callers = {\n");
        foreach (var agent in teams.SelectMany(team => team.Agents))
        {
            var self = agent.Self("developer").ToJsonString();
            script.Append(
                $"  {{ [==[POST /v1/bdh/sync HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {agent.Key}\r\n"
                    .Replace("\r\n", "]==]..\"\\r\\n\"..[==[")
                + "Content-Type: application/json]==]..\"\\r\\n\"..[==[Content-Length: ]==], "
                + $"[==[{self[..^1]}]==] }},\n");
        }
        // The line as it stands inside a JSON string, cut at what varies.
        var line = JsonSerializer.Serialize(Issue(0, "TITLE", "STATUS", DateTimeOffset.UnixEpoch), Api.Json)[1..^1]
            .Replace(IssueId(0), "]==]..id..[==[").Replace("TITLE", "]==]..title..[==[").Replace("STATUS", "]==]..status..[==[")
            .Replace("1970-01-01T00:00:00Z", "]==]..updated..[==[");
        var command = claims ? ",\"command_line\":\"update ]==]..id..[==[ --status ]==]..status..[==[\"" : "";
        script.Append($$"""
            }
            local n, round, status, updated = 0, -1, "open", ""
            function request()
                local now, slot = math.floor(n / {{beads * teams.Count}}), n % {{beads * teams.Count}}
                local bead = math.floor(slot / {{teams.Count}})
                local caller = callers[slot % #callers + 1]
                if now ~= round then
                    round = now
                    updated = os.date("!%Y-%m-%dT%H:%M:%SZ", {{start}} + round)
                    {{(claims ? "status = round % 2 == 0 and \"in_progress\" or \"open\"" : "")}}
                end
                n = n + 1
                local id = "w-"..bead
                local title = "A bead to work on, change "..n
                local body = caller[2]..[==[,"sync_mode":"incremental","changed_issues":"{{line}}\n"{{command}}}]==]
                return caller[1]..#body.."\r\n\r\n"..body
            end
            """);
        return script.ToString();
    }
}
