using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>A log that an earlier version has written is read whole, and one full sync brings back what that version did not keep (see
/// OldLogs/README.md).</summary>
public abstract class OldLogContract(Store store) : ContractTests(store)
{
    private const string Old = "67f1d54";
    private const string Repo = "github.com/org/upgrade";

    [Fact]
    public async Task The_log_of_an_earlier_version_is_read_and_healed_by_one_full_sync()
    {
        await using var server = await Store.On(Old);
        var folder = Path.Combine(ServerProcess.Root(), "tests/Gateway.Tests/OldLogs");
        var names = JsonDocument
            .Parse(File.ReadAllText(Path.Combine(folder, $"{Old}.{(Store is SqliteStore ? "sqlite" : "postgres")}.json"))).RootElement;
        var lines = File.ReadAllLines(Path.Combine(folder, $"{Old}.jsonl"));
        var (alice, bob) = (server.Api.As(names.Text("alice_key")), server.Api.As(names.Text("bob_key")));

        var issues = (await alice.Get("/v1/beads/issues?branch=main").Ok()).Pluck("issues", "bead_id");
        issues.ShouldBe(["up-1", "up-2", "up-3", "up-4", "up-5", "up-9"], ignoreOrder: true);
        var first = await alice.Get($"/v1/beads/issues/up-1?repo={Uri.EscapeDataString(Repo)}&branch=main").Ok();
        (first.Text("title"), first.Text("description"), first.Has("notes")).ShouldBe(("Grüße 世界 😀", "D\nE", false));
        first.Items("blocked_by").Single().Text("bead_id").ShouldBe("up-2");
        (await alice.Get("/v1/beads/issues/up-9").Ok()).Text("title").ShouldBe("Round 17");
        (await alice.Get("/v1/beads/issues/up-8")).Status.ShouldBe(404);
        (await alice.Get("/v1/claims").Ok()).Pluck("claims", "bead_id").ShouldBe(["up-2", names.Text("task")], ignoreOrder: true);
        (await bob.Get("/v1/messages/inbox").Ok()).Items("messages").Single(mail => mail.Text("subject") == "Hello").Text("body")
            .ShouldBe("Mail of the old version");
        var task = await alice.Get("/v1/tasks/" + names.Text("task")).Ok();
        (task.Text("title"), task.Text("description"), task.Text("status")).ShouldBe(("Old task", "Its text", "in_progress"));
        (await alice.Get("/v1/tasks/up-1").Ok()).Text("description").ShouldBe("D\nE");
        (await alice.Get("/v1/reservations").Ok()).ValueKind.ShouldBe(JsonValueKind.Object);
        (await bob.Get($"/v1/subscriptions?workspace_id={names.Text("bob")}").Ok()).Items("subscriptions").Single().Text("bead_id")
            .ShouldBe("up-1");

        // In a project of a version without roles all lead, until somebody gives the first role.
        (await bob.Get("/v1/roles").Ok()).Items("agents").ShouldAllBe(agent => agent.Text("role") == "lead");
        (await bob.Get("/v1/keys").Ok()).Pluck("keys", "agent_id").ShouldBeSubsetOf([names.Text("alice"), names.Text("bob")]);
        (await bob.Get("/v1/keys").Ok()).Items("keys").Select(key => key.Text("prefix"))
            .ShouldContain(names.Text("alice_key")[..12]);

        // Of an issue whose line was not kept the export has what is known; synced again it means the same.
        var made = await Export(alice);
        made.Length.ShouldBe(6);
        made[0].ShouldStartWith("""{"id":"up-1","title":"Grüße 世界""");
        JsonDocument.Parse(made[0]).RootElement.Items("dependencies").Select(d => d.Text("depends_on_id") + d.Text("type"))
            .ShouldBe(["up-2blocks", "up-4parent-child"]);

        var healed = (await Sync(alice, names, lines)).At("stats");
        (healed.Number("received"), healed.Number("updated"), healed.Number("unchanged")).ShouldBe((5, 5, 0));
        (await Export(alice)).ShouldBe([.. lines, made[^1]]);
        (await alice.Get($"/v1/beads/issues/up-1?repo={Uri.EscapeDataString(Repo)}&branch=main").Ok()).Text("notes").ShouldBe("N");
        (await Sync(alice, names, lines)).At("stats").Number("unchanged").ShouldBe(5);

        // The same from the log alone.
        await server.Kill();
        await server.Restart();
        alice = server.Api.As(names.Text("alice_key"));
        (await Export(alice)).ShouldBe([.. lines, made[^1]]);
        (await Sync(alice, names, lines)).At("stats").Number("unchanged").ShouldBe(5);
        (await alice.Get("/v1/claims").Ok()).Items("claims").Length.ShouldBe(2);
    }

    private static async Task<JsonElement> Sync(Api alice, JsonElement names, string[] lines) => await alice.Post("/v1/bdh/sync", new
    {
        workspace_id = names.Text("alice"), alias = "alice-dev", human_name = "Ann", repo_origin = "https://github.com/org/upgrade.git",
            issues_jsonl = string.Join('\n', lines),
    }).Ok();

    private static async Task<string[]> Export(Api api)
    {
        using var answer = await api
            .Open(api.Signed(new(HttpMethod.Get, $"/v1/beads/export-jsonl?repo={Uri.EscapeDataString(Repo)}&branch=main")));
        return (await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
