using System.CommandLine;
using System.Net.Http.Headers;
using System.Text;

namespace Beadhub.Commands;

/// <summary><c>export</c> and <c>import</c>: the repository's beads as JSONL, as <c>bd</c> reads and writes it.</summary>
internal static class TransferCommands
{
    private const int MostLines = 5000, MostBytes = 8 * 1024 * 1024;

    private static readonly Argument<string?> Target = new("file") { Description = "Where to; standard output unless given",
        Arity = ArgumentArity.ZeroOrOne };
    private static readonly Argument<string> Source =
        new("file") { Description = "Where from: a file, a .beads folder or one of bd's backups; - for standard input" };
    private static readonly Option<string?> Repo = new("--repo") { Description = "Canonical origin; this workspace's unless given" };

    public static IEnumerable<Command> Create() =>
    [
        ClientCommand.Make("export", "Write the repository's beads, one a line, byte for byte as they were received.",
            Export, Target, Repo),
        ClientCommand.Make("import", "Send beads; of each the server keeps what was updated last.", Import, Source, Repo),
    ];

    private static async Task<int> Export(Call call)
    {
        var repo = call.Get(Repo) ?? (await call.Self()).MustHaveRepo();
        var lines = await call.Hub.AskText(HttpMethod.Get, $"v1/beads/export-jsonl?repo={repo.Escaped()}&branch=main", null,
            call.Cancellation);
        if (call.Get(Target) is not { } target || target == "-")
        {
            call.Screen.Out.Write(lines);
            return ExitCode.Done;
        }

        await File.WriteAllTextAsync(target + ".tmp", lines, call.Cancellation);
        File.Move(target + ".tmp", target, overwrite: true);
        var count = lines.AsSpan().Count('\n');
        if (call.Json) call.Screen.Json(json =>
        {
            json.WriteStartObject();
            json.WriteNumber("beads", count);
            json.WriteString("file", target);
            json.WriteEndObject();
        });
        else call.Screen.Line($"{count} beads of {repo} to {target}.");
        return ExitCode.Done;
    }

    private static async Task<int> Import(Call call)
    {
        var source = call.Get(Source)!;
        var (lines, others) = source == "-" ? BdExport.Lines(await Console.In.ReadToEndAsync(call.Cancellation), "standard input")
            : await BdExport.Read(source, call.Cancellation);
        var repo = call.Get(Repo) ?? (await call.Self()).MustHaveRepo();
        var (sent, added, updated, unchanged, kept) = await Upload(call, repo, "main", lines);
        call.Screen.EndProgress();
        if (call.Json) call.Screen.Json(json =>
        {
            json.WriteStartObject();
            json.WriteNumber("sent", sent);
            json.WriteNumber("added", added);
            json.WriteNumber("updated", updated - unchanged);
            json.WriteNumber("unchanged", unchanged);
            json.WriteNumber("left_out", others);
            json.WriteStartArray("newer_at_server");
            foreach (var id in kept) json.WriteStringValue(id);
            json.WriteEndArray();
            json.WriteEndObject();
        });
        else
        {
            call.Screen.Line($"{sent} beads sent: {added} new, {updated - unchanged} changed, {unchanged} as they were.");
            if (kept.Count > 0) call.Screen.Line($"Newer at the server, and kept there: {string.Join(", ", kept)}");
            if (others > 0) call.Screen.Faint($"{others} lines are no issues (bd's memories, say) and were left out.");
        }

        return ExitCode.Done;
    }

    /// <summary>Sends lines in as many requests as they need.</summary>
    public static async Task<Uploaded> Upload(Call call, string repo, string branch, IReadOnlyCollection<string> lines)
    {
        int sent = 0, added = 0, updated = 0, unchanged = 0;
        var kept = new List<string>();
        foreach (var part in Parts(lines))
        {
            var content = new StringContent(string.Join('\n', part), Encoding.UTF8, new MediaTypeHeaderValue("application/x-ndjson"));
            using var answer = System.Text.Json.JsonDocument.Parse(await call.Hub.AskText(HttpMethod.Post,
                $"v1/beads/upload-jsonl?repo={repo.Escaped()}&branch={branch.Escaped()}", content, call.Cancellation));
            sent += part.Count;
            added += answer.RootElement.GetProperty("issues_added").GetInt32();
            updated += answer.RootElement.GetProperty("issues_updated").GetInt32();
            unchanged += answer.RootElement.GetProperty("issues_unchanged").GetInt32();
            kept.AddRange(answer.RootElement.Items("conflicts").Select(static id => id.ToString()));
            if (lines.Count > MostLines) call.Screen.Progress($"{sent} of {lines.Count} beads …");
        }

        return new(sent, added, updated, unchanged, kept);
    }

    /// <summary>Lines in parts that one request may hold.</summary>
    public static IEnumerable<List<string>> Parts(IEnumerable<string> lines)
    {
        var (part, bytes) = (new List<string>(), 0);
        foreach (var line in lines)
        {
            var size = Encoding.UTF8.GetByteCount(line) + 1;
            if (part.Count > 0 && (part.Count == MostLines || bytes + size > MostBytes))
            {
                yield return part;
                (part, bytes) = ([], 0);
            }

            part.Add(line);
            bytes += size;
        }

        if (part.Count > 0) yield return part;
    }

    /// <summary>What the server made of lines.</summary>
    public sealed record Uploaded(int Sent, int Added, int Updated, int Unchanged, List<string> Kept);
}
