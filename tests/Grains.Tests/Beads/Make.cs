using Beadhub.Beads;

namespace Beadhub.Grains.Tests.Beads;

/// <summary>Makes what the tests talk about.</summary>
internal static class Make
{
    public static readonly DateTimeOffset Noon = new(2026, 3, 8, 12, 0, 0, TimeSpan.Zero);

    public static BeadRecord Record(
        string id = "bd-1", string? status = "open", string? title = "Title", DateTimeOffset? updatedAt = null,
        string repo = "github.com/o/r", string branch = "main",
        long? priority = 2, BeadRef[]? blockedBy = null, BeadRef? parent = null, DateTimeOffset? syncedAt = null, string? createdBy = null,
        LineDigest digest = default) =>
        new(id, repo, branch, title, "Description", status, priority, "task", null, createdBy, [], [.. blockedBy ?? []], parent, null,
            updatedAt, syncedAt ?? Noon, digest, [], []);

    public static BeadRef Ref(string id, string repo = "github.com/o/r", string branch = "main") => new(repo, branch, id);

    public static DateTimeOffset At(double seconds) => Noon.AddSeconds(seconds);
}
