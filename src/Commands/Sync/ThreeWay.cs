using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Beadhub.Commands.Sync;

/// <summary>Two changed one field of an issue meanwhile: one value was kept, and this is the other.</summary>
/// <param name="Id">Bead.</param>
/// <param name="Field">Field.</param>
/// <param name="Kept">Value that stays, as JSON; null for none.</param>
/// <param name="Dropped">Value that gave way.</param>
/// <param name="KeptIsLocal">Whether the value of this machine stays.</param>
internal sealed record FieldConflict(string Id, string Field, string? Kept, string? Dropped, bool KeptIsLocal);

/// <summary>What came of two versions of an issue.</summary>
/// <param name="Issue">The fields.</param>
/// <param name="Conflicts">What could not be kept.</param>
internal sealed record MergedIssue(JsonObject Issue, ImmutableArray<FieldConflict> Conflicts);

/// <summary>
/// Merges two versions of an issue field by field, against what both were when they were last the same. Pure. What one side has changed is
/// taken; lists grow and shrink by what either side has added and removed; where both changed one value, a closing wins over what else the
/// status was set to, and otherwise the version that was updated last, and the other value is named.
/// </summary>
internal static class ThreeWay
{
    private const string UpdatedAt = "updated_at";

    // Written from other fields by bd's exports, differently by its versions.
    private static readonly HashSet<string> Derived =
        ["_type", "dependency_count", "dependent_count", "comment_count", "content_hash", UpdatedAt];

    // One decision in several fields: bd takes no closed issue without the time of its closing, nor the reverse.
    private static readonly HashSet<string> Ending =
        ["status", "closed_at", "close_reason", "closed_by_session", "deleted_at", "deleted_by", "delete_reason", "original_type"];

    /// <summary>Whether two versions say the same, whenever and by whichever version of bd they were written.</summary>
    public static bool SaysTheSame(JsonObject? one, JsonObject? other) => one is null || other is null ? one is null && other is null
        : Names(one, other).All(name => Same(one[name], other[name]));

    /// <summary>Fields in which two versions differ.</summary>
    public static IEnumerable<string> Differences(JsonObject one, JsonObject other) =>
        Names(one, other).Where(name => !Same(one[name], other[name]));

    /// <summary>Whether the issue is deleted, as bd up to 0.49 notes it.</summary>
    public static bool IsTombstone(JsonObject? issue) => Status(issue) == "tombstone";

    /// <summary>Merges two versions of an issue.</summary>
    /// <param name="id">Bead.</param>
    /// <param name="before">What both were; null when that is not known.</param>
    /// <param name="local">This machine's version.</param>
    /// <param name="remote">The hub's version.</param>
    public static MergedIssue Merge(string id, JsonObject? before, JsonObject local, JsonObject remote)
    {
        var localIsNewer = BeadLine.Time(local, UpdatedAt) > BeadLine.Time(remote, UpdatedAt);
        var conflicts = ImmutableArray.CreateBuilder<FieldConflict>();
        var ending = EndingOf();
        var issue = new JsonObject();
        foreach (var name in local.Select(static field => field.Key).Concat(remote.Select(static field => field.Key)).Distinct())
        {
            if (name == UpdatedAt) issue[name] = (localIsNewer ? local : remote)[name]?.DeepClone();
            else if (Derived.Contains(name)) continue;
            else if (Ending.Contains(name)) Put(issue, name, ending[name]);
            else Put(issue, name, Value(name, before?[name], local[name], remote[name], before is not null));
        }

        return new(issue, conflicts.DrainToImmutable());

        // Of the side whose status stays.
        JsonObject EndingOf()
        {
            if (before is not null && Ending.All(name => Same(before[name], local[name]))) return remote;
            if (before is not null && Ending.All(name => Same(before[name], remote[name]))) return local;
            var (here, there, was) = (Status(local), Status(remote), Status(before));
            if (here == there)
            {
                // Both have closed it, say: one of the reasons stays.
                foreach (var name in Ending)
                    if (name is "close_reason" or "delete_reason" && !Same(local[name], remote[name]))
                        Note(name, remote[name], local[name], keptIsLocal: false);
                return remote;
            }

            if (before is not null && here == was) return remote;
            if (before is not null && there == was) return local;
            var keepsLocal = Finality(here) != Finality(there) && was is not ("closed" or "tombstone")
                ? Finality(here) > Finality(there) : localIsNewer;
            Note("status", (keepsLocal ? local : remote)["status"], (keepsLocal ? remote : local)["status"], keepsLocal);
            return keepsLocal ? local : remote;
        }

        JsonNode? Value(string name, JsonNode? was, JsonNode? here, JsonNode? there, bool isKnown)
        {
            if (Same(here, there)) return here ?? there;
            if (here is JsonObject or null && there is JsonObject or null && (here ?? there) is not null)
                return Members(name, was, here, there);
            if (here is JsonArray or null && there is JsonArray or null && was is JsonArray or null) return Items(was, here, there);
            if (isKnown && Same(was, here)) return there;
            if (isKnown && Same(was, there)) return here;
            // Without knowing what it was, a value says more than none.
            if (!isKnown && IsNothing(here)) return there;
            if (!isKnown && IsNothing(there)) return here;
            Note(name, localIsNewer ? here : there, localIsNewer ? there : here, localIsNewer);
            return localIsNewer ? here : there;
        }

        JsonObject? Members(string name, JsonNode? was, JsonNode? here, JsonNode? there)
        {
            var (mine, theirs, both) = (here as JsonObject ?? [], there as JsonObject ?? [], was as JsonObject ?? []);
            var merged = new JsonObject();
            foreach (var key in mine.Select(static field => field.Key).Concat(theirs.Select(static field => field.Key)).Distinct())
                Put(merged, key, Value($"{name}.{key}", both[key], mine[key], theirs[key], before is not null));
            return merged;
        }

        void Note(string field, JsonNode? kept, JsonNode? dropped, bool keptIsLocal)
        {
            if (!IsNothing(dropped)) conflicts.Add(new(id, field, kept?.ToJsonString(), dropped?.ToJsonString(), keptIsLocal));
        }
    }

    /// <summary>
    /// What both sides are known to agree on after a version was written to a store, which may keep less than it was given, and may
    /// have been changed by its user meanwhile.
    /// </summary>
    /// <param name="before">What the store had; null for nothing.</param>
    /// <param name="written">What it was given.</param>
    /// <param name="after">What it has.</param>
    /// <param name="notTaken">Fields that it did not take.</param>
    public static JsonObject Agreed(JsonObject? before, JsonObject written, JsonObject after, ICollection<string> notTaken)
    {
        var agreed = (JsonObject)after.DeepClone();
        foreach (var name in Differences(after, written))
        {
            // As it was: the store does not hold such a value. Any other value its user, or the store itself, has set: a change to come.
            if (Same(before?[name], after[name])) notTaken.Add(name);
            else if (IsNothing(written[name])) agreed.Remove(name);
            else agreed[name] = written[name]!.DeepClone();
        }

        return agreed;
    }

    private static JsonArray Items(JsonNode? was, JsonNode? here, JsonNode? there)
    {
        var (old, mine, theirs) = (Keys(was), Keys(here), Keys(there));
        var merged = new JsonArray();
        foreach (var (key, item) in mine.Concat(theirs.Where(pair => !mine.ContainsKey(pair.Key))))
            if (mine.ContainsKey(key) && theirs.ContainsKey(key) || !old.ContainsKey(key)) merged.Add(item?.DeepClone());
        return merged;
    }

    private static Dictionary<string, JsonNode?> Keys(JsonNode? list)
    {
        var keys = new Dictionary<string, JsonNode?>(StringComparer.Ordinal);
        foreach (var item in list as JsonArray ?? []) keys.TryAdd(Key(item), item);
        return keys;
    }

    // By what items of bd's lists are the same, whatever each machine has numbered or dated them.
    private static string Key(JsonNode? item) => item switch
    {
        JsonObject dependency when dependency["depends_on_id"] is { } on => $"{on}\n{dependency["type"]}",
        JsonObject comment when comment["text"] is { } text =>
            $"{comment["author"]}\n{BeadLine.Time(comment, "created_at")?.ToUnixTimeSeconds()}\n{text}",
        _ => item?.ToJsonString() ?? "",
    };

    private static IEnumerable<string> Names(JsonObject one, JsonObject other) =>
        one.Select(static field => field.Key).Concat(other.Select(static field => field.Key)).Distinct()
            .Where(static name => !Derived.Contains(name));

    private static bool Same(JsonNode? one, JsonNode? other)
    {
        if (IsNothing(one) || IsNothing(other)) return IsNothing(one) && IsNothing(other);
        if (one is JsonArray && other is JsonArray)
        {
            var (mine, theirs) = (Keys(one), Keys(other));
            return mine.Count == theirs.Count && mine.Keys.All(theirs.ContainsKey);
        }

        if (one is JsonObject mineFields && other is JsonObject theirFields)
            return mineFields.Select(static field => field.Key).Concat(theirFields.Select(static field => field.Key))
                .All(name => Same(mineFields[name], theirFields[name]));
        return JsonNode.DeepEquals(one, other) || Time(one) is { } here && Time(other) is { } there && (here - there).Duration() < Second;
    }

    // A database of whole seconds keeps no more of a time, and rounds it up or down.
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private static DateTimeOffset? Time(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue<string>(out var text) && text.Length >= 20 && text[4] == '-' && text[10] == 'T'
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    private static bool IsNothing(JsonNode? node) => node switch
    {
        null => true,
        JsonArray list => list.Count == 0,
        JsonObject fields => fields.Count == 0,
        JsonValue value => value.GetValueKind() switch
        {
            JsonValueKind.String => value.GetValue<string>().Length == 0,
            JsonValueKind.False or JsonValueKind.Null => true,
            _ => false,
        },
        _ => false,
    };

    private static string? Status(JsonObject? issue) =>
        issue?["status"] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static int Finality(string? status) => status switch { "tombstone" => 2, "closed" => 1, _ => 0 };

    private static void Put(JsonObject issue, string name, JsonNode? value)
    {
        if (value is not null) issue[name] = value.DeepClone();
    }
}
