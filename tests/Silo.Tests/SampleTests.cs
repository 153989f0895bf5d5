using Beadhub.Testing;

namespace Beadhub.Silo.Tests;

/// <summary>The sample of an application with a Beadhub inside, run as a user would.</summary>
public sealed class SampleTests : IDisposable
{
    private readonly DirectoryInfo folder = System.IO.Directory.CreateTempSubdirectory("beadhub-sample-");

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task Agents_use_the_hub_under_its_prefix_and_the_application_its_grains()
    {
        await using var sample = await ServerProcess.StartSample(folder.FullName, new Dictionary<string, string>());
        var init = await sample.Api.Post("/beadhub/v1/init", new { project_slug = "acme", alias = "alice", repo_origin = "git@github.com:acme/demo.git" });
        var alice = sample.Api.As(init.Ok().Text("api_key"));

        using var watching = await sample.Api.Open(new HttpRequestMessage(HttpMethod.Get, "/watch/acme"));
        using var lines = new StreamReader(await watching.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        var sync = new
        {
            workspace_id = init.Ok().Text("workspace_id"),
            alias = "alice",
            human_name = "Ann",
            repo_origin = "git@github.com:acme/demo.git",
            sync_mode = "incremental",
            changed_issues = Jsonl.Of(new { id = "bd-1", title = "Lay the table", status = "in_progress" }, new { id = "bd-2", title = "Wash up", status = "open" }),
            command_line = "update bd-1 --status in_progress",
        };
        (await alice.Post("/beadhub/v1/bdh/sync", sync)).Ok();

        (await lines.ReadLineAsync(TestContext.Current.CancellationToken)).ShouldBe("alice claimed Lay the table");
        var ready = (await sample.Api.Get("/ready/acme")).Ok();
        ready.EnumerateArray().Select(issue => issue.GetProperty("beadId").GetString()).ShouldBe(["bd-2"], "the application keeps its own JSON");
        (await sample.Api.Get("/ready/none")).Status.ShouldBe(404);
        (await sample.Api.Get("/v1/status")).Status.ShouldBe(404);
        var document = (await sample.Api.Get("/beadhub/openapi/v1.json")).Ok().GetProperty("components").GetRawText();
        document.ShouldContain("\"project_id\"", Case.Sensitive);
        document.ShouldNotContain("\"projectId\"", Case.Sensitive);
    }
}
