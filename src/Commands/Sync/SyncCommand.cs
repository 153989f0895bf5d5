using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Beadhub.Commands.Sync;

/// <summary><c>beadhub sync</c>: brings the issues of <c>bd</c> and those of the hub together.</summary>
internal static class SyncCommand
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private static readonly Option<string> Store = MakeStore();
    private static readonly Option<string?> File = new("--file") { Description = "The file of issues; bd is left alone" };
    private static readonly Option<bool> Delete =
        new("--delete") { Description = "Delete on the other side, too, though most of the beads are gone on one" };

    private static readonly Option<bool> Watch = new("--watch", "-w") { Description = "Go on, whenever either side changes" };
    private static readonly Option<int> Interval =
        new("--interval") { Description = "With --watch: seconds after which this side is looked at", DefaultValueFactory = _ => 30 };

    private static readonly Option<bool> Quiet = new("--quiet", "-q") { Description = "Say nothing when nothing changed; for hooks" };

    public static Command Create() => ClientCommand.Make("sync",
        "Bring bd's issues and the hub's together, field by field against what they last agreed on.",
        static async call =>
        {
            if (!call.Get(Watch)) return await Once(call, call.Get(Quiet));
            string? last = null;
            while (true)
            {
                try
                {
                    await Once(call, quiet: true);
                }
                catch (Exception e) when (e is HubException or CommandException { ExitCode: ExitCode.Unreachable })
                {
                    call.Screen.Note($"beadhub: {e.Message}");
                }

                last = await Change(call, last);
                await Task.Delay(Pause, call.Cancellation);
            }
        }, Store, File, Delete, Watch, Interval, Quiet);

    private static async Task<int> Once(Call call, bool quiet)
    {
        var self = await call.Self();
        var store = IssueStores.Find(self.Folder, call.Get(Store)!, call.Get(File));
        using var state = await SyncState.Open(self.Folder, new JsonObject
        {
            ["server"] = AccountFile.ServerName(call.Connection.Url),
            ["project"] = self.ProjectSlug,
            ["repo"] = self.MustHaveRepo(),
            ["store"] = store.Name,
        }, call.Cancellation);
        var sync = new Synchronization(store, new HubIssues(call.Hub, self), call.Get(Delete), call.Screen.Progress);
        var report = await sync.Run(state.Issues, state.Save, call.Cancellation);
        state.Keep(report.Conflicts);
        call.Screen.EndProgress();
        Print(call, report, state.Issues.Count, quiet);
        return report.Left.Count > 0 ? ExitCode.Unsettled : ExitCode.Done;
    }

    private static void Print(Call call, SyncReport report, int beads, bool quiet)
    {
        if (call.Json)
        {
            call.Screen.Json(json =>
            {
                json.WriteStartObject();
                json.WriteNumber("beads", beads);
                foreach (var (name, ids) in new[]
                {
                    ("pushed", report.Pushed), ("taken", report.Taken), ("deleted_at_hub", report.DeletedAtHub),
                    ("deleted_here", report.DeletedHere), ("left", [.. report.Left]),
                })
                {
                    json.WriteStartArray(name);
                    foreach (var id in ids.Order(StringComparer.Ordinal)) json.WriteStringValue(id);
                    json.WriteEndArray();
                }

                json.WriteStartArray("conflicts");
                foreach (var conflict in report.Conflicts) Write(json, conflict);
                json.WriteEndArray();
                json.WriteStartObject("not_taken");
                foreach (var (id, fields) in report.NotTaken)
                {
                    json.WriteStartArray(id);
                    foreach (var field in fields) json.WriteStringValue(field);
                    json.WriteEndArray();
                }

                json.WriteEndObject();
                json.WriteEndObject();
            });
            return;
        }

        var parts = new[]
        {
            Part(report.Pushed.Count, "to the hub"), Part(report.Taken.Count, "from the hub"),
            Part(report.DeletedAtHub.Count, "deleted at the hub"), Part(report.DeletedHere.Count, "deleted here"),
        }.OfType<string>().ToArray();
        if (parts.Length > 0) call.Screen.Line($"{string.Join(", ", parts)}; {beads} beads in all.");
        else if (!quiet) call.Screen.Line($"{beads} beads, the same on both sides.");
        if (report.Conflicts.Count > 0)
        {
            call.Screen.Line();
            call.Screen.Title(report.Conflicts.Count == 1 ? "1 field was changed on both sides:"
                : $"{report.Conflicts.Count} fields were changed on both sides:");
            call.Screen.Table(["BEAD", "FIELD", "KEPT", "FROM", "DROPPED"], report.Conflicts.Select(static conflict => new[]
            {
                conflict.Id, conflict.Field, Plain(conflict.Kept), conflict.KeptIsLocal ? "here" : "hub", Plain(conflict.Dropped),
            }));
            call.Screen.Faint("What was dropped is in .beadhub-cache/sync-conflicts.jsonl.");
        }

        foreach (var (id, fields) in report.NotTaken)
            call.Screen.Note($"beadhub: {id}: this machine's bd did not take {string.Join(", ", fields)}; the hub keeps it");
        if (report.Left.Count > 0)
            call.Screen.Note($"beadhub: changed again while syncing, run it once more: {string.Join(", ", report.Left)}");
    }

    /// <summary>Waits for a change of beads at the hub, or as long as this side may have changed.</summary>
    private static async Task<string?> Change(Call call, string? last)
    {
        var interval = TimeSpan.FromSeconds(Math.Max(call.Get(Interval), 1));
        try
        {
            return await call.Hub.Next("v1/status/stream?event_types=bead", last, interval, call.Cancellation);
        }
        catch (Exception e) when (e is HubException or CommandException)
        {
            await Task.Delay(interval, call.Cancellation);
            return last;
        }
    }

    private static void Write(Utf8JsonWriter json, FieldConflict conflict)
    {
        json.WriteStartObject();
        json.WriteString("id", conflict.Id);
        json.WriteString("field", conflict.Field);
        Value("kept", conflict.Kept);
        Value("dropped", conflict.Dropped);
        json.WriteString("kept_from", conflict.KeptIsLocal ? "here" : "hub");
        json.WriteEndObject();

        void Value(string name, string? text)
        {
            json.WritePropertyName(name);
            json.WriteRawValue(text ?? "null");
        }
    }

    private static string Plain(string? value) => value is null ? "-" : JsonNode.Parse(value)?.ToString() ?? "-";

    private static string? Part(int count, string what) => count == 0 ? null : $"{count} {what}";

    private static Option<string> MakeStore()
    {
        var store = new Option<string>("--store") { Description = "Where this machine's issues are: auto, bd or file",
            DefaultValueFactory = _ => "auto" };
        store.AcceptOnlyFromAmong("auto", "bd", "file");
        return store;
    }
}
