using System.CommandLine;
using System.Text.Json;

namespace Beadhub.Silo.Administration;

/// <summary><c>beadhub mesh</c>: how the sites do that this one meshes with, on a running server.</summary>
internal static class MeshCommand
{
    private static readonly Argument<string> Hive = new("hive") { Description = "Name of the hive" };
    private static readonly Option<int> Max =
        new("--max") { Description = "Print so many at most, the newest", DefaultValueFactory = static _ => 50 };

    public static Command Create()
    {
        var status = AdminOptions.Asking("status", "Shared hives, their peers and how far each is behind.",
            static async (parsed, api, cancellation) =>
        {
            var groups = await List(api, "groups", cancellation);
            if (parsed.GetValue(AdminOptions.Json))
            {
                Table.PrintJson(groups);
                return;
            }

            Table.Print(["HIVE", "SEQ", "STATE", "PEER", "STATUS", "LAG", "LAST SYNC", "ERROR"], groups.SelectMany(static group =>
                group.GetProperty("peers").EnumerateArray().Select(peer => (string[])
                [
                    Table.Field(peer, "name"), Table.Field(peer, "status"), Table.Field(peer, "lag"), Table.Field(peer, "last_sync"),
                    Table.Field(peer, "last_error"),
                ]).DefaultIfEmpty(["-", "-", "-", "-", "-"]).Select(peer => (string[])
                [
                    Table.Field(group, "hive_name"), Table.Field(group, "seq"), Short(Table.Field(group, "state_hash")), .. peer,
                ])));
            foreach (var refused in groups.SelectMany(static group => group.GetProperty("refused").EnumerateArray()).Take(10))
                Console.WriteLine($"refused {Table.Field(refused, "at")}: {Table.Field(refused, "event_type")} by "
                    + $"{Table.Field(refused, "via")}: {Table.Field(refused, "reason")}");
        });
        var peers = AdminOptions.Asking("peers", "Sites that this one meshes with.", static async (parsed, api, cancellation) =>
        {
            var all = await List(api, "peers", cancellation);
            if (parsed.GetValue(AdminOptions.Json)) Table.PrintJson(all);
            else
                Table.Print(["ID", "NAME", "ENDPOINT", "HIVES", "SOURCE", "STATUS", "HEARTBEAT", "ERROR"], all.Select(static peer => new[]
                {
                    Table.Field(peer, "id"), Table.Field(peer, "name"), Table.Field(peer, "sync_endpoint"),
                    string.Join(',', peer.GetProperty("shared_hives").EnumerateArray()), Table.Field(peer, "source"),
                    Table.Field(peer, "status"), Table.Field(peer, "last_heartbeat_at"), Table.Field(peer, "last_error"),
                }));
        });
        var log = AdminOptions.Asking("log", "Events of a hive's log, the newest first.", static async (parsed, api, cancellation) =>
        {
            var hive = parsed.GetValue(Hive)!;
            var group = (await List(api, "groups", cancellation)).Find(group => Table.Field(group, "hive_name") == hive);
            if (group.ValueKind != JsonValueKind.Object) throw new CommandFailedException($"the hive '{hive}' is not shared");
            var events = await List(api,
                $"groups/{Table.Field(group, "id")}/events?limit={Math.Clamp(parsed.GetValue(Max), 1, 1000)}", cancellation);
            if (parsed.GetValue(AdminOptions.Json)) Table.PrintJson(events);
            else
                Table.Print(["SEQ", "RECEIVED", "TYPE", "ORIGIN", "PAYLOAD"], events.Select(static e => new[]
                {
                    Table.Field(e, "seq"), Table.Field(e, "received_at"), Table.Field(e, "event_type"),
                    Table.Field(e, "origin_instance_id"),
                    Table.Field(e, "payload") is { Length: > 100 } text ? text[..100] + "…" : Table.Field(e, "payload"),
                }));
        });
        log.Arguments.Add(Hive);
        log.Options.Add(Max);
        return new Command("mesh", "See how the sites do that this one meshes hives with.") { status, peers, log };
    }

    private static async Task<List<JsonElement>> List(AdminApi api, string path, CancellationToken cancellation) =>
        [.. (await api.Ask(HttpMethod.Get, $"api/v1/sync/{path}", null, cancellation)).GetProperty("data").EnumerateArray()];

    private static string Short(string hash) => hash.Length > 12 ? hash[..12] : hash;
}
