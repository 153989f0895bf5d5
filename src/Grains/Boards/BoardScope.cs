using Beadhub.Beads;

namespace Beadhub.Boards;

/// <summary>The issues of one repository and branch in the index.</summary>
internal sealed class BoardScope(IReadOnlyDictionary<string, BeadView> beads, string repo, string branch, int count)
{
    /// <summary>A repository and branch without issues.</summary>
    public static BoardScope None { get; } = new(new Dictionary<string, BeadView>(), "", "", 0);

    /// <summary>Number of issues.</summary>
    public int Count => count;

    /// <summary>The issue with an id; null when there is none.</summary>
    public BeadRecord? Find(string beadId) => beads.TryGetValue(beadId, out var bead) ? bead.Records.In(repo, branch) : null;

    /// <summary>
    /// The issues by the digest of the line that they came from. It is made anew by going through all beads, which for a sync of many lines costs less than parsing them, and
    /// less than keeping it up to date in memory for ever.
    /// </summary>
    public Dictionary<LineDigest, BeadRecord> ByDigest()
    {
        var digests = new Dictionary<LineDigest, BeadRecord>(count);
        if (count == 0) return digests;
        foreach (var bead in beads.Values)
            if (bead.Records.In(repo, branch) is { } issue && issue.Digest != default) digests[issue.Digest] = issue;
        return digests;
    }
}
