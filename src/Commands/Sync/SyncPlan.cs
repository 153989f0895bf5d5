using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Beadhub.Commands.Sync;

/// <summary>An issue's line as one side has it.</summary>
/// <param name="Text">The line as it is.</param>
/// <param name="Fields">What it says.</param>
internal sealed record IssueLine(string Text, JsonObject Fields)
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    public string Id => Fields["id"]!.GetValue<string>();

    public static IssueLine Of(JsonObject fields) => new(BeadLine.Write(fields), fields);

    /// <summary>
    /// The issues of a JSONL text. Lines that are none, such as bd's memories, which are nobody else's business, are left out.
    /// </summary>
    /// <exception cref="CommandException">A line cannot be read: to go on without it would look like its deletion.</exception>
    public static Dictionary<string, IssueLine> Read(string jsonl, string from)
    {
        var issues = new Dictionary<string, IssueLine>(StringComparer.Ordinal);
        var number = 0;
        foreach (var text in jsonl.Split('\n'))
        {
            number++;
            if (string.IsNullOrWhiteSpace(text)) continue;
            JsonObject? fields;
            try
            {
                fields = JsonNode.Parse(text, null, Strict) as JsonObject;
            }
            catch (JsonException)
            {
                throw new CommandException($"line {number} of {from} is no JSON object: a conflict of git left in it, perhaps");
            }

            if (fields is null) throw new CommandException($"line {number} of {from} is no JSON object");
            if (fields.ContainsKey("_schema") || fields["_type"] is JsonValue type && type.ToString() != "issue") continue;
            if (fields["id"] is not JsonValue id || !id.TryGetValue<string>(out var name) || name.Length == 0)
                throw new CommandException($"line {number} of {from} has no id");
            issues[name] = new(text.Trim(), fields);
        }

        return issues;
    }
}

/// <summary>What is known of an issue from the last sync.</summary>
/// <param name="Agreed">What both sides said then.</param>
/// <param name="RemoteDigest">Digest of the hub's line then.</param>
internal sealed record SyncedIssue(JsonObject Agreed, string RemoteDigest);

/// <summary>What is to be done about one issue. What is null or false is not asked for.</summary>
/// <param name="Id">Bead.</param>
/// <param name="Local">The version of this machine on which it was decided.</param>
/// <param name="Remote">The hub's.</param>
/// <param name="ToHub">Line that the hub is to have.</param>
/// <param name="ToStore">Line that this machine is to have.</param>
/// <param name="DeleteAtHub">Whether the hub is to forget it.</param>
/// <param name="DeleteHere">Whether this machine is to delete it.</param>
/// <param name="Conflicts">What could not be kept.</param>
internal sealed record SyncStep(
    string Id, IssueLine? Local, IssueLine? Remote, IssueLine? ToHub, IssueLine? ToStore, bool DeleteAtHub, bool DeleteHere,
    ImmutableArray<FieldConflict> Conflicts)
{
    /// <summary>Whether anything has to be written anywhere.</summary>
    public bool IsWork => ToHub is not null || ToStore is not null || DeleteAtHub || DeleteHere;
}

/// <summary>Decides what a sync does: pure, from what both sides have and what they last agreed on.</summary>
internal static class SyncPlan
{
    public static List<SyncStep> Of(
        IReadOnlyDictionary<string, SyncedIssue> synced, IReadOnlyDictionary<string, IssueLine> local,
        IReadOnlyDictionary<string, IssueLine> remote)
    {
        var steps = new List<SyncStep>();
        foreach (var id in local.Keys.Union(remote.Keys).Union(synced.Keys))
            steps.Add(Step(id, synced.GetValueOrDefault(id), local.GetValueOrDefault(id), remote.GetValueOrDefault(id)));
        return steps;
    }

    private static SyncStep Step(string id, SyncedIssue? synced, IssueLine? local, IssueLine? remote)
    {
        var nothing = new SyncStep(id, local, remote, null, null, false, false, []);
        if (local is null || remote is null)
        {
            var (left, agreed) = (local ?? remote, synced?.Agreed);
            if (left is null) return nothing;
            // Later versions of bd keep no tombstones: not to have the issue is the same.
            if (ThreeWay.IsTombstone(left.Fields) && (local is null || synced is not null || remote is null)) return nothing;
            if (agreed is null) return local is null ? nothing with { ToStore = left } : nothing with { ToHub = left };
            if (ThreeWay.IsTombstone(agreed))
                return local is null ? nothing with { ToStore = left } : nothing with { ToHub = left };
            var changed = local is null
                ? BeadLine.Digest(left.Text) != synced!.RemoteDigest && !ThreeWay.SaysTheSame(agreed, left.Fields)
                : !ThreeWay.SaysTheSame(agreed, left.Fields);
            // Deleted on one side and changed on the other: what was written is not thrown away.
            FieldConflict[] kept = changed ? [new(id, "(deleted)", "\"kept\"", "\"deleted\"", local is not null)] : [];
            return local is null
                ? changed ? nothing with { ToStore = left, Conflicts = [.. kept] } : nothing with { DeleteAtHub = true }
                : changed ? nothing with { ToHub = left, Conflicts = [.. kept] } : nothing with { DeleteHere = true };
        }

        var isAsAgreed = synced is not null && ThreeWay.SaysTheSame(local.Fields, synced.Agreed);
        if (isAsAgreed && synced!.RemoteDigest == BeadLine.Digest(remote.Text)) return nothing;
        var merged = ThreeWay.Merge(id, synced?.Agreed, local.Fields, remote.Fields);
        var (needsHub, needsStore) =
            (!ThreeWay.SaysTheSame(merged.Issue, remote.Fields), !ThreeWay.SaysTheSame(merged.Issue, local.Fields));
        if (!needsHub && !needsStore) return nothing with { Conflicts = merged.Conflicts };

        // What comes from one side whole goes to the other as it is, byte for byte.
        var line = !needsHub ? remote : !needsStore ? local : IssueLine.Of(merged.Issue);
        if (needsHub) line = NotBefore(line, remote.Fields, TimeSpan.Zero);
        // bd takes what is newer by its clock of whole seconds, in versions that look at all.
        if (needsStore) line = NotBefore(line, local.Fields, TimeSpan.FromSeconds(1));
        return nothing with { ToHub = needsHub ? line : null, ToStore = needsStore ? line : null, Conflicts = merged.Conflicts };
    }

    /// <summary>The line, dated not before, or clearly after, another version.</summary>
    private static IssueLine NotBefore(IssueLine line, JsonObject other, TimeSpan by)
    {
        if (BeadLine.Time(other, "updated_at") is not { } last) return line;
        var least = by == TimeSpan.Zero ? last : DateTimeOffset.FromUnixTimeSeconds(last.ToUnixTimeSeconds()) + by;
        if (BeadLine.Time(line.Fields, "updated_at") is { } time && time >= least) return line;
        var fields = (JsonObject)line.Fields.DeepClone();
        fields["updated_at"] = BeadLine.Time(least);
        return IssueLine.Of(fields);
    }
}
