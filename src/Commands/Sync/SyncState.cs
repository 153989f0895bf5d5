using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Beadhub.Commands.Sync;

/// <summary>
/// What a worktree and the hub last agreed on, in <c>.beadhub-cache/sync.jsonl</c>. One sync at a time has it. Without it, or from another
/// server, project or repository, a sync compares the two sides alone.
/// </summary>
internal sealed class SyncState : IDisposable
{
    private const int Version = 1;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30), Pause = TimeSpan.FromMilliseconds(100);

    private readonly string _path;
    private readonly FileStream _lock;
    private readonly JsonObject _of;

    private SyncState(string path, FileStream held, JsonObject of) => (_path, _lock, _of) = (path, held, of);

    public Dictionary<string, SyncedIssue> Issues { get; } = new(StringComparer.Ordinal);

    /// <summary>Opens the state; waits for another sync to end.</summary>
    /// <param name="folder">The worktree.</param>
    /// <param name="of">What it is about: server, project, repository.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="CommandException">Another sync does not end.</exception>
    public static async Task<SyncState> Open(string folder, JsonObject of, CancellationToken cancellation)
    {
        var cache = Directory.CreateDirectory(Path.Combine(folder, ".beadhub-cache")).FullName;
        of["version"] = Version;
        var since = DateTimeOffset.UtcNow;
        while (true)
        {
            try
            {
                var held = new FileStream(Path.Combine(cache, "sync.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                var state = new SyncState(Path.Combine(cache, "sync.jsonl"), held, of);
                state.Load();
                return state;
            }
            catch (IOException) when (DateTimeOffset.UtcNow - since < Patience)
            {
                await Task.Delay(Pause, cancellation);
            }
            catch (IOException)
            {
                throw new CommandException("another 'beadhub sync' of this folder does not end", ExitCode.Unsettled);
            }
        }
    }

    /// <summary>Writes it whole or not at all.</summary>
    public void Save()
    {
        var text = new StringBuilder(BeadLine.Write(_of)).Append('\n');
        foreach (var (_, issue) in Issues)
        {
            var entry = new JsonObject { ["remote"] = issue.RemoteDigest, ["issue"] = issue.Agreed.DeepClone() };
            text.Append(BeadLine.Write(entry)).Append('\n');
        }

        File.WriteAllText(_path + ".tmp", text.ToString());
        File.Move(_path + ".tmp", _path, overwrite: true);
    }

    /// <summary>Appends what gave way, so that nobody's words are gone.</summary>
    public void Keep(IEnumerable<FieldConflict> conflicts)
    {
        var lines = conflicts.Select(static conflict => BeadLine.Write(new JsonObject
        {
            ["at"] = BeadLine.Time(DateTimeOffset.UtcNow),
            ["id"] = conflict.Id,
            ["field"] = conflict.Field,
            ["kept"] = conflict.Kept is null ? null : JsonNode.Parse(conflict.Kept),
            ["dropped"] = conflict.Dropped is null ? null : JsonNode.Parse(conflict.Dropped),
            ["kept_from"] = conflict.KeptIsLocal ? "here" : "hub",
        })).ToArray();
        if (lines.Length > 0) File.AppendAllLines(Path.Combine(Path.GetDirectoryName(_path)!, "sync-conflicts.jsonl"), lines);
    }

    public void Dispose() => _lock.Dispose();

    private void Load()
    {
        if (!File.Exists(_path)) return;
        try
        {
            using var lines = File.ReadLines(_path).GetEnumerator();
            if (!lines.MoveNext() || !JsonNode.DeepEquals(JsonNode.Parse(lines.Current), JsonNode.Parse(BeadLine.Write(_of)))) return;
            while (lines.MoveNext())
            {
                var entry = JsonNode.Parse(lines.Current)!.AsObject();
                var issue = entry["issue"]!.DeepClone().AsObject();
                Issues[issue["id"]!.GetValue<string>()] = new(issue, entry["remote"]!.GetValue<string>());
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NullReferenceException)
        {
            throw new CommandException($"{_path} cannot be read; without it a sync compares the two sides alone: remove it to have that");
        }
    }
}
