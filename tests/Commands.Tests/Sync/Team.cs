using Beadhub.BdDouble;
using Beadhub.Commands;
using Beadhub.Commands.Sync;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Beadhub.CommandTests.Sync;

/// <summary>A hub that replaces only what was seen, as the server does; between any two requests others may do what they like.</summary>
internal sealed class MemoryHub : IIssueHub
{
    private readonly Dictionary<string, IssueLine> _lines = new(StringComparer.Ordinal);

    /// <summary>Runs before each request.</summary>
    public Func<Task> Meanwhile { get; set; } = () => Task.CompletedTask;

    public IReadOnlyDictionary<string, IssueLine> Lines => _lines;

    public async Task<Dictionary<string, IssueLine>> Read(CancellationToken cancellation)
    {
        await Meanwhile();
        return new(_lines);
    }

    public async Task<IReadOnlySet<string>> Write(IReadOnlyList<IssueLine> lines, IReadOnlyList<string> deleted,
        IReadOnlyList<IssueLine> seen, CancellationToken cancellation)
    {
        await Meanwhile();
        var known = seen.Select(static line => BeadLine.Digest(line.Text)).ToHashSet();
        var overtaken = new HashSet<string>();
        foreach (var line in lines)
        {
            if (_lines.TryGetValue(line.Id, out var have) && (!known.Contains(BeadLine.Digest(have.Text)) || Time(line) < Time(have)))
                overtaken.Add(line.Id);
            else _lines[line.Id] = line;
        }

        foreach (var id in deleted)
        {
            if (!_lines.TryGetValue(id, out var have)) continue;
            if (known.Contains(BeadLine.Digest(have.Text))) _lines.Remove(id);
            else overtaken.Add(id);
        }

        return overtaken;
    }

    private static DateTimeOffset Time(IssueLine line) =>
        DateTimeOffset.Parse(line.Fields["updated_at"]!.ToString(), CultureInfo.InvariantCulture);
}

/// <summary>A machine with <c>bd</c>, a clock of its own, and a user who goes on working while it syncs.</summary>
internal sealed class Machine(string name, BdVersion version, TimeSpan clockError, MemoryHub hub) : IIssueStore
{
    private readonly Dictionary<string, SyncedIssue> _synced = new(StringComparer.Ordinal);
    private readonly BdDatabase _bd = new(version);

    public string Name => name;

    public BdVersion Version => version;

    public List<FieldConflict> Conflicts { get; } = [];

    public BdDatabase Bd => _bd;

    /// <summary>What this machine's clock shows.</summary>
    public DateTimeOffset Now(DateTimeOffset time) => time + clockError;

    public Task<Dictionary<string, IssueLine>> Read(CancellationToken cancellation) =>
        Task.FromResult(IssueLine.Read(string.Join('\n', _bd.Export()), name));

    public Task Write(IReadOnlyList<IssueLine> lines, IReadOnlyList<string> deleted, CancellationToken cancellation)
    {
        _bd.Import(lines.Select(static line => line.Text));
        foreach (var id in deleted.Concat(lines.Where(static line => ThreeWay.IsTombstone(line.Fields)).Select(static line => line.Id)))
            if (_bd[id] is { } issue && issue["status"]!.ToString() != "tombstone")
                _bd.Delete(id, DateTimeOffset.UnixEpoch);
        return Task.CompletedTask;
    }

    public async Task<SyncReport> Sync(CancellationToken cancellation = default)
    {
        var report = await new Synchronization(this, hub, mayDeleteMany: true, _ => { }).Run(_synced, () => { }, cancellation);
        Conflicts.AddRange(report.Conflicts);
        return report;
    }

    /// <summary>A field as this machine has it.</summary>
    public string? Field(string id, string field) => _bd[id]?[field]?.ToString();

    public IEnumerable<string> Items(string id, string list) =>
        (_bd[id]?[list] as JsonArray ?? []).Select(static item => (item as JsonObject)?["text"]?.ToString() ?? item!.ToString());
}
