using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>
/// MCP as its clients use it: the official TypeScript SDK over Streamable HTTP and standard input and output (<c>McpSdk/client.mjs</c>),
/// and the inspector's command line. Without npm packages it is skipped.
/// </summary>
[OnAnyStore]
public sealed class McpClients(SqliteStore store) : ContractTests(store)
{
    [Fact]
    public async Task The_official_SDK_and_the_inspector_list_and_call_everything()
    {
        var folder = Directory.CreateTempSubdirectory("beadhub-mcp-").FullName;
        try
        {
            foreach (var file in Directory.GetFiles(Path.Combine(ServerProcess.Root(), "tests/Gateway.Tests/McpSdk")))
                File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
            await Npm.Install(folder);
            var project = NewProject();
            var (alice, bob) = (await project.Agent("alice"), await project.Agent("bob"));
            var address = Api.Address.ToString().TrimEnd('/');

            var output = await Npm.Run(folder, "node", "client.mjs", address, alice.Key, bob.Key, "dotnet", ServerProcess.Executable());
            foreach (var said in new[] { "ok http", "ok stdio" }) output.ShouldContain(said);

            (await Inspect("tools/list")).Items("tools").Length.ShouldBeGreaterThan(40);
            (await Inspect("resources/list")).Items("resources").Length.ShouldBeGreaterThanOrEqualTo(4);
            (await Inspect("prompts/list")).Items("prompts").Length.ShouldBe(3);
            (await Inspect("tools/call", "--tool-name", "whoami")).At("structuredContent").Text("alias").ShouldBe("alice");
            (await Inspect("tools/call", "--tool-name", "close_issue", "--tool-arg", "bead_id=none")).Flag("isError").ShouldBeTrue();

            async Task<JsonElement> Inspect(string method, params string[] more) => JsonDocument.Parse(await Npm.Run(
                folder, "node_modules/.bin/mcp-inspector", ["--cli", "-e", $"BEADHUB_API_KEY={alice.Key}", "dotnet",
                    ServerProcess.Executable(), "mcp", "--url", address, "--method", method, .. more])).RootElement;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
