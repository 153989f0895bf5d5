using System.Globalization;
using System.Text.Json.Nodes;

namespace Beadhub.BdDouble;

/// <summary>Which <c>bd</c> is played.</summary>
public enum BdVersion
{
    /// <summary>0.47: SQLite; <c>import -i</c> replaces whatever is there; tombstones are issues; times of nanoseconds.</summary>
    Sqlite47,

    /// <summary>1.0: Dolt; <c>import FILE</c> replaces whatever is there; no tombstones; times of whole seconds; exports count.</summary>
    Dolt10,

    /// <summary>1.3: as 1.0, but an import replaces only what is strictly older; on a tie the issue that is there stays.</summary>
    Dolt13,
}

/// <summary>
/// The issues of one machine with the semantics that <c>bd</c> documents for its export and import, as far as a sync meets them. A
/// stand-in for the real programs, which are not to be had where these tests run.
/// </summary>
public sealed class BdDatabase(BdVersion version)
{
    private static readonly string[] Times = ["created_at", "updated_at", "closed_at", "started_at"];

    private readonly SortedDictionary<string, JsonObject> _issues = new(StringComparer.Ordinal);

    public IEnumerable<string> Ids => _issues.Keys;

    public JsonObject? this[string id] => _issues.GetValueOrDefault(id);

    /// <summary>The database as a file holds it.</summary>
    public IEnumerable<string> Raw() => _issues.Values.Select(static issue => issue.ToJsonString());

    /// <summary>Reads what <see cref="Raw"/> has written.</summary>
    public void Load(IEnumerable<string> lines)
    {
        foreach (var line in lines)
            if (JsonNode.Parse(line) is JsonObject issue) _issues[issue["id"]!.ToString()] = issue;
    }

    /// <summary>One line an issue.</summary>
    public IEnumerable<string> Export()
    {
        foreach (var issue in _issues.Values)
        {
            if (version == BdVersion.Sqlite47)
            {
                yield return issue.ToJsonString();
                continue;
            }

            // Left out unless asked for.
            if (issue["issue_type"]?.ToString() == "message") continue;

            var line = new JsonObject { ["_type"] = "issue" };
            foreach (var (name, value) in issue) line[name] = value?.DeepClone();
            line["dependency_count"] = (issue["dependencies"] as JsonArray)?.Count ?? 0;
            line["dependent_count"] = 0;
            line["comment_count"] = (issue["comments"] as JsonArray)?.Count ?? 0;
            yield return line.ToJsonString();
        }
    }

    /// <summary>Adds and replaces issues.</summary>
    public void Import(IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            var issue = JsonNode.Parse(line)!.AsObject();
            if (version != BdVersion.Sqlite47 && issue["status"]?.ToString() == "tombstone") continue;
            foreach (var name in new[] { "_type", "dependency_count", "dependent_count", "comment_count" }) issue.Remove(name);
            var id = issue["id"]!.ToString();
            if (version == BdVersion.Dolt13 && _issues.TryGetValue(id, out var have) && Second(issue) <= Second(have)) continue;
            Put(id, issue);
        }
    }

    public void Create(string id, string title, DateTimeOffset now) => Put(id, new()
    {
        ["id"] = id, ["title"] = title, ["status"] = "open", ["priority"] = 2, ["issue_type"] = "task", ["created_at"] = Text(now),
        ["updated_at"] = Text(now),
    });

    /// <summary>Changes an issue as its user does, at a time.</summary>
    public void Edit(string id, DateTimeOffset now, Action<JsonObject> edit)
    {
        var issue = (JsonObject)_issues[id].DeepClone();
        edit(issue);
        issue["updated_at"] = Text(now);
        Put(id, issue);
    }

    public void Close(string id, DateTimeOffset now, string reason) => Edit(id, now, issue =>
    {
        issue["status"] = "closed";
        issue["closed_at"] = Text(now);
        issue["close_reason"] = reason;
    });

    /// <summary>Deletes an issue: leaves a tombstone, or nothing.</summary>
    public void Delete(string id, DateTimeOffset now)
    {
        if (version != BdVersion.Sqlite47) _issues.Remove(id);
        else Edit(id, now, issue => (issue["original_type"], issue["status"], issue["deleted_at"]) = ("task", "tombstone", Text(now)));
    }

    private void Put(string id, JsonObject issue)
    {
        if (issue["status"]?.ToString() == "closed" != (issue["closed_at"] is not null))
            throw new InvalidOperationException($"closed issues must have closed_at, others must not: {issue.ToJsonString()}");
        foreach (var name in Times)
            if (issue[name] is { } time) issue[name] = Text(DateTimeOffset.Parse(time.ToString(), CultureInfo.InvariantCulture));
        _issues[id] = issue;
    }

    private static long Second(JsonObject issue) =>
        DateTimeOffset.Parse(issue["updated_at"]!.ToString(), CultureInfo.InvariantCulture).ToUnixTimeSeconds();

    private string Text(DateTimeOffset time) => version == BdVersion.Sqlite47
        ? time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture)
        : time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
