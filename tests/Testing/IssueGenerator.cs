using System.Globalization;
using System.Text.Json.Nodes;

namespace Beadhub.Testing;

/// <summary>
/// Makes an issue file as a real project has one: epics with children, bugs, chores, tombstones, labels, dependencies, and timestamps as
/// command-line clients write them. The same seed makes the same file.
/// </summary>
public sealed class IssueGenerator(int seed, string prefix = "x")
{
    private static readonly string[] Verbs = ["Fix", "Add", "Remove", "Rename", "Document", "Speed up", "Test", "Split", "Cache", "Retry"];
    private static readonly string[] Things =
    [
        "the login form", "retries in the sync", "lock metadata", "größere Uploads", "日本語の検索", "the claim race", "emoji 🎯 in titles",
        "paging of claims", "a \"quoted\" name", "the back\\slash", "dark mode", "keep-alives", "naïve dates", "tabs\tin text",
    ];
    private static readonly string[] Labels = ["ui", "api", "db", "good first issue", "später", "p0", "tech-debt"];
    private static readonly string[] People = ["maria", "juan", "codex", "claude", "Zoë O'Neil"];
    private static readonly string[] Kinds = ["task", "task", "task", "bug", "bug", "feature", "chore"];
    private static readonly string[] Offsets = ["Z", "+00:00", "+01:00", "-07:00", "+05:30"];
    private const string Digits = "0123456789abcdefghijklmnopqrstuvwxyz";

    private readonly Random random = new(seed);

    /// <summary>A whole file of issues, newest last.</summary>
    public List<JsonObject> Issues(int count)
    {
        var issues = new List<JsonObject>(count);
        var ids = new HashSet<string>();
        var children = new Dictionary<string, int>();
        var epics = new List<string>();
        var now = new DateTimeOffset(2026, 1, 5, 9, 0, 0, TimeSpan.Zero);
        while (issues.Count < count)
        {
            now = now.AddTicks(random.NextInt64(1, TimeSpan.TicksPerHour));
            var parent = epics.Count > 0 && random.Next(5) == 0 ? epics[random.Next(epics.Count)] : null;
            var epic = parent is null && random.Next(12) == 0;
            var id = parent is null ? $"{prefix}-{Word(random.Next(3, 5))}"
                : $"{parent}.{children[parent] = children.GetValueOrDefault(parent) + 1}";
            if (!ids.Add(id))
                continue;
            if (epic)
                epics.Add(id);
            issues.Add(Issue(id, epic ? "epic" : Pick(Kinds), parent, issues, now));
        }
        return issues;
    }

    /// <summary>The issue with another title and status and a later time of change.</summary>
    public JsonObject Changed(JsonObject issue, string status)
    {
        var changed = (JsonObject)issue.DeepClone();
        changed["title"] = $"{issue["title"]} ({random.Next(1000)})";
        changed["status"] = status;
        changed["updated_at"] = Time(Moment(issue, "updated_at").AddMinutes(random.Next(1, 600)));
        return changed;
    }

    public static string File(IEnumerable<JsonObject> issues) => Jsonl.Of(issues);

    private JsonObject Issue(string id, string kind, string? parent, List<JsonObject> earlier, DateTimeOffset now)
    {
        var status = random.Next(100) switch { < 55 => "closed", < 85 => "open", < 93 => "in_progress", < 96 => "blocked", < 97 =>
            "deferred", _ => "tombstone" };
        var updated = now.AddMinutes(random.Next(5000));
        var issue = new JsonObject
        {
            ["id"] = id,
            ["title"] = $"{Pick(Verbs)} {Pick(Things)}",
            ["status"] = status,
            ["priority"] = random.Next(5),
            ["issue_type"] = kind,
            ["created_at"] = Time(now),
            ["updated_at"] = Time(updated),
        };
        if (random.Next(3) > 0)
            issue["description"] = string.Join("\n\n",
                Enumerable.Range(0, random.Next(1, 8)).Select(_ => $"{Pick(Verbs)} {Pick(Things)}; {Pick(Verbs)} {Pick(Things)}."));
        if (random.Next(2) == 0)
            issue["created_by"] = Pick(People);
        if (random.Next(4) == 0)
            issue["assignee"] = Pick(People);
        if (random.Next(3) == 0)
            issue["labels"] = new JsonArray([.. Labels.Where(_ => random.Next(3) == 0).Select(label => JsonValue.Create(label))]);
        if (status == "closed")
            (issue["closed_at"], issue["close_reason"]) = (Time(updated), "Done: " + Pick(Things));
        if (status == "tombstone")
            (issue["deleted_at"], issue["deleted_by"], issue["delete_reason"], issue["original_type"]) =
                (Time(updated), Pick(People), "batch delete", kind);

        var dependencies = new JsonArray();
        if (parent is not null)
            dependencies.Add(Dependency(id, parent, "parent-child", now));
        while (earlier.Count > 0 && random.Next(4) == 0)
            dependencies
                .Add(Dependency(id, (string)earlier[random.Next(earlier.Count)]["id"]!, random.Next(3) == 0 ? "discovered-from" : "blocks",
                now));
        if (dependencies.Count > 0)
            issue["dependencies"] = dependencies;
        return issue;
    }

    private JsonObject Dependency(string id, string on, string type, DateTimeOffset now) => new()
    {
        ["issue_id"] = id,
        ["depends_on_id"] = on,
        ["type"] = type,
        ["created_at"] = Time(now),
        ["created_by"] = Pick(People),
    };

    /// <summary>RFC 3339 with one to nine fraction digits and any offset.</summary>
    private string Time(DateTimeOffset moment)
    {
        var offset = Pick(Offsets);
        moment = moment.ToOffset(offset == "Z" ? TimeSpan.Zero : TimeSpan.Parse(offset.TrimStart('+'), CultureInfo.InvariantCulture));
        var fraction = $"{moment.Ticks % TimeSpan.TicksPerSecond:d7}{random.Next(100):d2}"[..random.Next(1, 10)];
        return moment.ToString("yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture) + "." + fraction + offset;
    }

    private static DateTimeOffset Moment(JsonObject issue, string field)
    {
        // .NET reads seven fraction digits at most; two more may follow.
        var text = (string)issue[field]!;
        var zone = text.LastIndexOfAny(['Z', '+', '-']);
        var fraction = text.IndexOf('.');
        return DateTimeOffset.Parse(text[..Math.Min(zone, fraction + 8)] + text[zone..], CultureInfo.InvariantCulture);
    }

    private string Word(int length) => new([.. Enumerable.Range(0, length).Select(_ => Digits[random.Next(Digits.Length)])]);

    private string Pick(string[] from) => from[random.Next(from.Length)];
}
