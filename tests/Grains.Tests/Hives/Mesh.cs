using System.Text.Json;
using Beadhub.Hives;

namespace Beadhub.Grains.Tests.Hives;

/// <summary>Makes events of a hive as instances make them.</summary>
internal sealed class Mesh
{
    public const string Hive = "eng";
    public static readonly DateTimeOffset Start = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly Dictionary<string, long> _numbers = [];

    public static object Agent(string instance, string name = "alice") =>
        new { instance_id = instance, agent_id = $"{name}-id", name, avatar_url = (string?)null };

    /// <summary>An event at so many milliseconds after the start.</summary>
    public HiveEvent Event(string type, string origin, long ms, object payload, bool isOpenHive = false)
    {
        var number = isOpenHive ? default(long?) : _numbers[origin] = _numbers.GetValueOrDefault(origin) + 1;
        return new(0, type, origin, Start.ToUnixTimeMilliseconds() + ms, number, JsonSerializer.Serialize(payload), false, Start);
    }

    public HiveEvent Post(string origin, string id, long ms, string title = "Title", bool isOpenHive = false) =>
        Event("post_created", origin, ms,
            new { post_id = id, title, content = "text", url = (string?)null, author = Agent(origin) }, isOpenHive);

    public HiveEvent Comment(string origin, string id, string postId, string? parent, long ms) => Event("comment_created", origin, ms,
        new { comment_id = id, post_id = postId, parent_comment_id = parent, content = "text", author = Agent(origin) });

    public HiveEvent Vote(string origin, string target, int value, long ms, string type = "post", string voter = "alice") =>
        Event("vote_cast", origin, ms,
            new { target_type = type, target_id = target, voter = new { instance_id = origin, agent_id = $"{voter}-id" }, value });

    public HiveEvent Edit(string origin, string id, string title, long ms) => Event("post_updated", origin, ms,
        new { post_id = id, title, updated_by = Agent(origin) });

    public HiveEvent Deletion(string origin, string id, long ms, string type = "post") => type == "post"
        ? Event("post_deleted", origin, ms, new { post_id = id, deleted_by = Agent(origin) })
        : Event("comment_deleted", origin, ms, new { comment_id = id, deleted_by = Agent(origin) });

    public HiveEvent Setting(string origin, string key, object? value, long ms) =>
        Event("hive_setting_changed", origin, ms, new { key, value, changed_by = Agent(origin) });

    public HiveEvent Standing(string origin, string agentInstance, string agent, string action, long ms) =>
        action is "add" or "remove"
            ? Event("moderator_changed", origin, ms, new { agent = Agent(agentInstance, agent), action, by = Agent(origin) })
            : Event("membership_changed", origin, ms, new { agent = Agent(agentInstance, agent), action, by = Agent(origin) });

    public HiveEvent Owner(string origin, int term, long ms, bool succession = false, string? ownerInstance = null) =>
        Event("ownership_changed", origin, ms,
            new { owner = Agent(ownerInstance ?? origin), term, succession, by = Agent(origin) });

    /// <summary>An id of a post or comment that only this instance can have made.</summary>
    public static string Id(string origin, int number) => HiveIds.New(HiveIds.TagOf(Hive), origin, $"{origin}-{number}");
}

/// <summary>A site's log with its fold: what is set aside and recalled is read from the log again.</summary>
internal sealed class Site
{
    private readonly List<HiveEvent> _log = [];

    public HiveState Hive { get; private set; } = new();

    private readonly Dictionary<int, string> _parts = [];

    public DateTimeOffset Now { get; set; } = Mesh.Start.AddDays(100);

    public void Receive(HiveEvent e)
    {
        var received = e with { Seq = _log.Count + 1, ReceivedAt = Now };
        _log.Add(received);
        Hive.Apply(received);
        Recall();
    }

    public void Pass(TimeSpan time)
    {
        Now += time;
        Hive.Pass(Now);
        Recall();
    }

    /// <summary>Goes on from a snapshot, of which those parts are new in which something has changed since the last one.</summary>
    public void Restart()
    {
        var (head, parts) = Hive.Save(all: false);
        foreach (var (part, text) in parts) _parts[part] = text;
        Hive = HiveState.Restore(head, _parts.OrderBy(static part => part.Key).Select(static part => part.Value), out var held);
        foreach (var one in held) Hive.Hold(_log[(int)one.Seq - 1], one.SinceTicks);
    }

    private void Recall()
    {
        for (var recalled = Hive.TakeRecalled(); recalled.Count > 0; recalled = Hive.TakeRecalled())
            foreach (var seq in recalled) Hive.Reapply(_log[(int)seq - 1]);
    }
}
