using System.Globalization;
using System.Text;
using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>
/// Values for the fields of a request, as JSON text, since not all that a client can send is JSON that a library would write: good ones by
/// the field's schema and, where a name stands for something of the team, by what there is; and bad ones.
/// </summary>
internal sealed class FuzzValues(FuzzTeam team, Random random)
{
    private const string NoListener = "http://127.0.0.1:1/"; // a delivery fails at once and leaves this machine alone

    private static readonly string[] Texts =
    [
        "", " ", "\0", "a\0b", "\n", "null", "true", "0", "-1", "1e999", "../../etc/passwd", "' OR 1=1 --",
        "%s%n", "{}", "[]", "me", "system", "bd-1", "update",
        "update bd-1 --status in_progress", "close bd-1", "delete bd-2", "full", "2026-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999999-14:00",
        "2026-02-30T25:61:61Z", "open,closed", "NaN", "日本語 🎯", "\u202e\u2028",
        "eyJjbGFpbWVkX2F0IjoieCJ9", "eyJzb3J0X3RpbWUiOm51bGx9", "W10", "====", "https://github.com/a/b",
        "git@h:p", "ssh://[::1]:x/y", "src/**", "**/*.{cs,md}", "a?b", "%_", "{", @"\", "https://10.0.0.1/",
        "https://[::1", "http://0x7f.1/", "javascript:alert(1)", "not-a-uuid",
        "00000000-0000-0000-0000-000000000000", "zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz",
    ];

    private static readonly string[] Lengths = ["51", "64", "65", "256", "257", "4097", "70000"];

    // Texts that JSON has and .NET does not, and numbers that no type holds.
    private static readonly string[] Odd =
    [
        "\"\\ud800\"", "\"a\\udc00b\"", "\"\\u0000\"", "12345678901234567890", "1e308", "1e400", "-0.0", "1.5",
        "-9223372036854775809", "2147483648", "-2147483648", "0", "-1", "1",
        "true", "false", "null", "[]", "{}", "[null,1,\"x\",[],{}]", "{\"\":{\"\":null}}", "[[[[]]]]",
    ];

    /// <summary>A good value for a field.</summary>
    public string Good(string name, JsonElement schema)
    {
        // What the declaration itself names as good; names of the team's own things are better.
        if (Known(name) is null && schema.TryGetProperty("examples", out var examples) && random.Next(2) == 0)
            return Pick([.. examples.EnumerateArray().Select(example => example.GetRawText())]);
        var type = Type(schema);
        if (type == "array") return schema.TryGetProperty("items", out var items) ? $"[{Good(name, items)}]" : "[]";
        if (Known(name) is { } known) return known;
        if (schema.TryGetProperty("enum", out var values)) return Pick([.. values.EnumerateArray().Select(value => value.GetRawText())]);
        return type switch
        {
            "integer" or "number" => Number(schema),
            "boolean" => Pick("true", "false"),
            "object" => schema.TryGetProperty("properties", out var fields)
                ? Object(fields.EnumerateObject().Select(field => (field.Name, Good(field.Name, field.Value))))
                : "{\"reason\":\"r\"}",
            _ => Json(new string('x', Math.Max(1, Least(schema, "minLength")))),
        };
    }

    /// <summary>A value that is probably bad.</summary>
    public string Bad() => random.Next(20) switch
    {
        < 6 => Json(Pick(Texts)),
        < 12 => Pick(Odd),
        12 => Json(Pick(team.Ids)),
        13 => Json(new string(Pick('a', 'é', '\0', ' ', '/'), int.Parse(Pick(Lengths), CultureInfo.InvariantCulture))),
        14 => Deep(random.Next(1, 70)),
        15 => Deep(random.Next(1, 5000)),
        16 => Many(Pick("1", "null", "\"x\"", "{}", Json(team.Bob.Alias)), random.Next(2, 3000)),
        17 => $"[{Json(Pick(Texts))},{Json(Pick(Texts))}]",
        18 when random.Next(3) == 0 => Giant(),
        _ => Json(Pick(Texts) + Pick(Texts)),
    };

    /// <summary>A list that is longer than any that is meant.</summary>
    public string ManyMore() => Many(Pick("1", "\"\"", "[]", "{}", Json(team.Bob.Alias)), random.Next(50_000, 400_000));

    /// <summary>A text for a query, a path or a header.</summary>
    public string Text() => random.Next(3) switch
    {
        0 => Pick(team.Ids),
        1 when random.Next(20) == 0 => new string(Pick('a', 'é', '/', '%'), random.Next(1, 3000)),
        _ => Pick(Texts),
    };

    /// <summary>The text of a JSON text or number.</summary>
    public static string Plain(string json)
    {
        using var value = JsonDocument.Parse(json);
        return value.RootElement.ValueKind == JsonValueKind.String ? value.RootElement.GetString()! : json;
    }

    public string Pick(params string[] from) => from[random.Next(from.Length)];

    public static string Json(string text) => JsonSerializer.Serialize(text, Api.Json);

    public static string Object(IEnumerable<(string Name, string Value)> fields) =>
        $"{{{string.Join(',', fields.Select(field => $"{Json(field.Name)}:{field.Value}"))}}}";

    /// <summary>A line of an issue, mostly a good one.</summary>
    public string Issue()
    {
        List<(string Name, string Value)> fields =
        [
            ("id", Json($"bd-{random.Next(6)}")), ("title", "\"t\""), ("description", "\"d\""),
            ("status", Json(Pick("open", "in_progress", "closed", "tombstone"))),
            ("priority", random.Next(5).ToString(CultureInfo.InvariantCulture)), ("issue_type", "\"task\""),
            ("labels", "[\"l\"]"), ("created_at", "\"2026-01-01T00:00:00.123456789Z\""),
            ("updated_at", Json($"2026-01-0{random.Next(1, 9)}T00:00:00+01:00")),
            ("dependencies", "[{\"depends_on_id\":\"bd-3\",\"type\":\"parent-child\"}]"), ("unknown", "{\"a\":[1]}"),
        ];
        if (random.Next(3) == 0) fields[random.Next(fields.Count)] = (fields[random.Next(fields.Count)].Name, Bad());
        return Object(fields);
    }

    /// <summary>Lines of issues, the last of which may be cut.</summary>
    public string Lines()
    {
        var lines = new StringBuilder();
        for (var i = random.Next(1, 4); i > 0; i--) lines.Append(Issue()).Append(random.Next(10) == 0 ? "\r\n\n" : "\n");
        if (random.Next(12) == 0) lines.Length = random.Next(lines.Length);
        return lines.ToString();
    }

    private char Pick(params char[] from) => from[random.Next(from.Length)];

    private string? Known(string name) => name switch
    {
        "workspace_id" or "agent_id" or "always_include_workspace_id" or "created_by_workspace_id" => Json(team.Self.Id),
        "agentId" or "workspaceId" or "successor_agent_id" or "to_agent_id" or "assignee_agent_id"
            => Json(Pick(team.Bob.Id, team.Spare.Id)),
        "alias" => Json(Pick(team.Self.Alias, team.Bob.Alias)),
        "agent_name" or "sender_name" => Json(team.Self.Alias),
        "to_alias" or "to" or "to_aliases" => Json(team.Bob.Alias),
        "address" => Json($"{team.Self.Project.Slug}/{team.Bob.Alias}"),
        "human_name" => Json(team.Self.Human),
        "project_slug" or "project_key" or "slug" => Json(team.Self.Project.Slug),
        "project_id" => Json(team.Self.ProjectId),
        // Administrators may archive it.
        "projectId" => Json(team.Stranger.ProjectId),
        "repo_id" => Json(team.Self.RepoId),
        "repoId" => Json(team.Spare.RepoId),
        "repo_origin" or "origin_url" => Json(team.Self.Origin),
        "repo" => Json(Pick("my-repo", team.Self.Repo)),
        "role" => "\"developer\"",
        "hostname" => "\"box\"",
        "timezone" => "\"Europe/Madrid\"",
        "beadId" or "bead_id" => Json($"bd-{random.Next(1, 9)}"),
        "reference" or "other" or "ref" or "depends_on" or "parent_task_id" => Json(Pick("1", "2", "3", $"{team.Self.Project.Slug}-001")),
        "sessionId" or "session_id" => Json(team.Session),
        "messageId" or "message_id" or "up_to_message_id" => Json(team.Message),
        "policyId" or "policy_id" or "base_policy_id" => Json(team.Policy),
        "webhookId" or "webhook_id" => Json(team.Webhook),
        "escalationId" or "escalation_id" => Json(team.Escalation),
        "subscriptionId" or "subscription_id" => Json(team.Subscription),
        "contactId" or "contact_id" => Json(team.Contact),
        "contact_address" => "\"friends/zoe\"",
        "url" => Json(NoListener),
        "events" or "event_types" => Json(Pick("bead", "message", "all", "bead.claimed", "status_change")),
        "command_line" => Json(Pick("update bd-1 --status in_progress", "close bd-1", "ready")),
        "issues" => Issue(),
        "issues_jsonl" or "changed_issues" => Json(Lines()),
        "sync_mode" => Json(Pick("full", "incremental")),
        "resource_key" or "resource_keys" => Json(Pick("src/a.cs", "k", "日本語/🎯")),
        "bundle" => "{\"invariants\":[{\"id\":\"i\",\"title\":\"I\",\"body_md\":\"b\"}],"
            + "\"roles\":{\"r\":{\"title\":\"R\",\"playbook_md\":\"p\"}},\"adapters\":{}}",
        "deadline" => Json(DateTimeOffset.UtcNow.AddMinutes(1).ToString("O", CultureInfo.InvariantCulture)),
        "after" or "since_ts" or "timestamp" => "\"2026-01-01T00:00:00Z\"",
        // They must fit the agents and what is signed, and nothing here is.
        "from_stable_id" or "to_stable_id" or "signed_payload" => "null",
        "jsonrpc" => "\"2.0\"",
        "hive" => Json(Pick(team.Hive, team.OwnHive)),
        "agent" => Json($"{Pick(team.Bob.Alias, team.Spare.Alias)}.{team.Self.Project.Slug}"),
        // Of a hive or an agent, or one that is new.
        "name" => Json(Pick(team.Hive, team.OwnHive, $"{team.Bob.Alias}.{team.Self.Project.Slug}", $"n{random.Next(1000)}")),
        "id" or "post_id" => Json(Pick(team.Post, team.Post, team.Comment)),
        "comment_id" or "parent_id" => Json(team.Comment),
        _ => null,
    };

    private string Number(JsonElement schema)
    {
        var (least, most) = (Least(schema, "minimum"),
            schema.TryGetProperty("maximum", out var maximum) ? maximum.GetDouble() : int.MaxValue);
        return random.Next(least, (int)Math.Min(most, least + 5d) + 1).ToString(CultureInfo.InvariantCulture);
    }

    private static int Least(JsonElement schema, string name) => schema.TryGetProperty(name, out var least) ? least.GetInt32() : 0;

    private static string? Type(JsonElement schema) => schema.TryGetProperty("type", out var type)
        ? type.ValueKind == JsonValueKind.String
            ? type.GetString()
            : type.EnumerateArray().Select(one => one.GetString()).First(one => one != "null")
        : "object";

    private string Deep(int levels) => random.Next(2) == 0
        ? new string('[', levels) + "1" + new string(']', levels)
        : string.Concat(Enumerable.Repeat("{\"a\":", levels)) + "1" + new string('}', levels);

    private static string Many(string value, int count) => $"[{string.Join(',', Enumerable.Repeat(value, count))}]";

    private string Giant() => random.Next(4) switch
    {
        0 => Json(new string(Pick('a', 'é', ' '), random.Next(500_000, 2_000_000))),
        1 => ManyMore(),
        2 => Deep(random.Next(5_000, 200_000)),
        _ => Object(Enumerable.Range(0, random.Next(1_000, 50_000)).Select(i => ($"k{i}", "1"))),
    };
}
