using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Beadhub.Beads;

namespace Beadhub.Boards;

/// <summary>
/// The issues of a JSONL payload (contract 7.1, 7.2, 7.5). A line that is stored as it is gets recognised by its digest; of many lines it
/// is not parsed again. All lines are checked before anything is stored.
/// </summary>
internal sealed class IssueLines
{
    private const int MaxIssues = 10_000;
    private const int ShortLine = 128;
    private const int FewLines = 8; // lines are few when the stored issues are more than so many times as many

    // What may stand around a line and belongs to none.
    private static ReadOnlySpan<byte> Blanks => " \t\r\v\f"u8;

    private readonly List<Line> _lines;
    private readonly Dictionary<string, int> _byId;

    private IssueLines(int capacity)
    {
        _lines = new(capacity);
        _byId = new(capacity, StringComparer.Ordinal);
    }

    private record struct Line(IssueLine Issue, bool Changed, int Start, int Length, int Number, string? Text = null);

    /// <summary>Number of distinct valid ids.</summary>
    public int Count => _lines.Count;

    /// <summary>Number of issues that are not stored as they came.</summary>
    public int ChangedCount { get; private set; }

    /// <summary>Issues that are not stored as they came.</summary>
    public IEnumerable<BeadRecord> Changed => ChangedLines.Select(line => line.Issue);

    /// <summary>The same, each with its line as it came, less the blanks around it.</summary>
    public IEnumerable<(BeadRecord Issue, string Line)> ChangedLines
    {
        get
        {
            foreach (var line in _lines)
                if (line.Changed) yield return (line.Issue.Record, line.Text!);
        }
    }

    /// <summary>Reads a payload.</summary>
    /// <param name="jsonl">UTF-8, one object a line; lines end with LF or CRLF.</param>
    /// <param name="repo">Repository being synced.</param>
    /// <param name="branch">Branch being synced.</param>
    /// <param name="stored">What is stored of that repository and branch.</param>
    /// <param name="syncedAt">The instant of the sync.</param>
    /// <exception cref="RefusedException">A line is not in order, with the contract's text; or there are too many.</exception>
    public static IssueLines Read(ReadOnlySpan<byte> jsonl, string repo, string branch, BoardScope stored, DateTimeOffset syncedAt)
    {
        var issues = new IssueLines(Math.Min(MaxIssues, jsonl.Length / ShortLine));
        using var sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        // A few lines are parsed, and compared with the issues that they name; of many it is asked first whether they are stored as they
        // are.
        var byDigest = jsonl.Count((byte)'\n') >= stored.Count / FewLines ? stored.ByDigest() : null;
        var start = 0;
        var count = 0;
        for (var number = 1; start < jsonl.Length; number++)
        {
            var length = jsonl[start..].IndexOf((byte)'\n');
            if (length < 0) length = jsonl.Length - start;
            var line = jsonl.Slice(start, length).Trim(Blanks);
            if (!line.IsEmpty)
            {
                if (++count > MaxIssues) throw new RefusedException(RefusalKind.Mismatch, $"Too many issues: exceeds limit of {MaxIssues}");
                var digest = LineDigest.Of(line, sha256);
                var known = byDigest?.GetValueOrDefault(digest);
                IssueLine? read = null;
                try
                {
                    if (known is null) read = IssueLineReader.Read(line, number, repo, branch, digest, syncedAt);
                }
                catch (RefusedException) when (byDigest is null
                    && (known = (byDigest = stored.ByDigest()).GetValueOrDefault(digest)) is not null)
                {
                    // Stored by a version that refused less.
                }

                if (byDigest is null && read is { } one && stored.Find(one.Record.BeadId) is { } have && have.Digest == digest)
                    known = have;
                if (known is not null) issues.Put(new(new(known, []), false, start, length, number));
                else if (read is { } issue) issues.Put(new(issue, true, start, length, number));
            }

            start += length + 1;
        }

        issues.Resolve(jsonl, repo, branch, syncedAt);
        return issues;
    }

    /// <summary>The issue with an id, as it came or is stored; null when the payload does not hold it.</summary>
    public BeadRecord? Find(string beadId) => _byId.TryGetValue(beadId, out var index) ? _lines[index].Issue.Record : null;

    // The last line with an id wins.
    private void Put(Line line)
    {
        ref var index = ref CollectionsMarshal.GetValueRefOrAddDefault(_byId, line.Issue.Record.BeadId, out var again);
        if (again)
        {
            _lines[index] = line;
            return;
        }

        index = _lines.Count;
        _lines.Add(line);
    }

    /// <summary>
    /// Leaves out blockers that the payload closes (contract 7.2). Which those are may have changed for a line that did not: it is then
    /// parsed again.
    /// </summary>
    private void Resolve(ReadOnlySpan<byte> jsonl, string repo, string branch, DateTimeOffset syncedAt)
    {
        Func<string, bool> closes = id => Find(id)?.Status == "closed";
        foreach (ref var line in CollectionsMarshal.AsSpan(_lines))
        {
            var issue = line.Issue;
            var text = jsonl.Slice(line.Start, line.Length).Trim(Blanks);
            if (!line.Changed)
            {
                var stored = issue.Record;
                if (stored.BlocksIds.IsEmpty || stored.BlocksIds.Where(closes).SequenceEqual(stored.ElidedIds)) continue;
                issue = IssueLineReader.Read(text, line.Number, repo, branch, stored.Digest, syncedAt)!.Value;
                line.Changed = true;
            }

            ChangedCount++;
            line.Issue = new(issue.Resolve(closes), []);
            line.Text = Encoding.UTF8.GetString(text);
        }
    }
}
