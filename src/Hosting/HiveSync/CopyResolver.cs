using System.Text.Json;
using Beadhub.Hives;
using Beadhub.HiveSync;
using Orleans;

namespace Beadhub.Hosting.HiveSync;

/// <summary>
/// Finds out which post or comment of this site an OpenHive's copy is. What is said at an OpenHive of our content names its copy, which
/// means nothing elsewhere; its public API shows where a copy is from. What is found goes into the log, for all sites.
/// </summary>
internal sealed class CopyResolver(HiveSyncGroup group, IGrainFactory grains, MeshHttp http, TimeProvider time)
{
    // An OpenHive answers a hundred requests a minute, ours of the mesh among them.
    private const int AtOnce = 4;
    private const int PostsOfAPage = 100;
    private const int MaxKept = 10_000;

    private static readonly TimeSpan AskAgain = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LookForCommentsAgain = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, long> _asked = new(StringComparer.Ordinal); // when, by copy
    private readonly Dictionary<string, int> _commentsSeen = new(StringComparer.Ordinal); // number of comments when listed, by post
    private long _lookedAt;

    /// <summary>Asks for some of the copies for which events wait.</summary>
    public async Task Resolve(string instance, MeshTarget target, CancellationToken ended)
    {
        var unresolved = (await grains.GetGrain<IHiveGrain>(group.Hive).Status()).Unresolved
            .Where(copy => copy.InstanceId == instance).ToDictionary(static copy => copy.CopyId, StringComparer.Ordinal);
        if (unresolved.Count == 0) return;
        if (_asked.Count > MaxKept) _asked.Clear();
        if (_commentsSeen.Count > MaxKept) _commentsSeen.Clear();
        var left = AtOnce;
        foreach (var copy in unresolved.Values.ToList())
        {
            if (copy.CopyId.StartsWith(HiveIds.RemotePost, StringComparison.Ordinal))
            {
                if (MayAsk(copy.CopyId) && await Ask($"/posts/{Uri.EscapeDataString(copy.CopyId)}") is { } post)
                    using (post) await Found(post.RootElement, "origin_post_id");
            }
            else if (copy.PostId is { } on && unresolved.ContainsKey(copy.CopyId) && MayAsk(copy.CopyId))
            {
                await Comments(on);
            }
        }

        // Of a vote for a comment it is not told on which post that is: posts that were commented since the last look are looked through.
        if (left == 0 || !unresolved.Values.Any(static copy => copy is { PostId: null }
            && copy.CopyId.StartsWith(HiveIds.RemoteComment, StringComparison.Ordinal))) return;
        if (_lookedAt != 0 && time.GetElapsedTime(_lookedAt) < LookForCommentsAgain) return;
        var newest = $"/posts?hive={Uri.EscapeDataString(group.Hive)}&sort=new&limit={PostsOfAPage}";
        if (await http.Public(target, newest, ended) is not { } page) return;
        using (page)
        {
            if (!Has(page.RootElement, "data", out var posts)) return;
            foreach (var post in posts.EnumerateArray())
            {
                if (left == 0) return; // the rest the next time
                if (Text(post, "id") is not { } id || !post.TryGetProperty("comment_count", out var said)
                    || said.ValueKind != JsonValueKind.Number || !said.TryGetInt32(out var count)
                    || count == _commentsSeen.GetValueOrDefault(id)) continue;
                await Comments(id);
                _commentsSeen[id] = count;
            }
        }

        _lookedAt = time.GetTimestamp();

        async Task Comments(string post)
        {
            if (await Ask($"/posts/{Uri.EscapeDataString(post)}/comments?flat=true") is not { } list) return;
            using (list)
            {
                if (!Has(list.RootElement, "data", out var comments)) return;
                foreach (var comment in comments.EnumerateArray()) await Found(comment, "origin_comment_id");
            }
        }

        bool MayAsk(string copy)
        {
            if (left == 0 || (_asked.TryGetValue(copy, out var at) && time.GetElapsedTime(at) < AskAgain)) return false;
            _asked[copy] = time.GetTimestamp();
            return true;
        }

        Task<JsonDocument?> Ask(string path)
        {
            left--;
            return http.Public(target, path, ended);
        }

        // Whose content it is says so; of that of other sites these ask themselves.
        async Task Found(JsonElement shown, string field)
        {
            if (Text(shown, "id") is { } copy && unresolved.Remove(copy) && Text(shown, "origin_instance_id") == group.InstanceId
                && Text(shown, field) is { } id && HiveIds.BelongsTo(id, group.InstanceId))
                await grains.GetGrain<IHiveSyncGroupGrain>(group.GroupId).Write(new(
                    [new(HiveEventTypes.CopyResolved,
                        $$"""{"instance_id":{{Json(instance)}},"copy_id":{{Json(copy)}},"id":{{Json(id)}}}""")],
                    $"copy {instance} {copy}"));
        }
    }

    private static string Json(string text) => $"\"{JsonEncodedText.Encode(text)}\"";

    private static bool Has(JsonElement from, string name, out JsonElement list)
    {
        list = default;
        return from.ValueKind == JsonValueKind.Object && from.TryGetProperty(name, out list) && list.ValueKind == JsonValueKind.Array;
    }

    private static string? Text(JsonElement from, string name) =>
        from.ValueKind == JsonValueKind.Object && from.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString() : null;
}
