using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Beadhub.Gateway.Tests;

/// <summary>Real MCP clients, over Streamable HTTP and over <c>beadhub mcp</c> on standard input and output.</summary>
public abstract class McpSessionsContract(Store store) : ContractTests(store)
{
    private static CancellationToken Ended => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(HttpTransportMode.StreamableHttp)]
    [InlineData(HttpTransportMode.AutoDetect)]
    public async Task A_client_works_over_http(HttpTransportMode mode)
    {
        var agent = await NewProject().Agent();

        await using var client = await McpClient.CreateAsync(Http(agent, mode), cancellationToken: Ended);

        await Works(client, agent);
    }

    [Fact]
    public async Task A_client_works_over_stdio()
    {
        var agent = await NewProject().Agent();

        await using var client = await McpClient.CreateAsync(Stdio(agent.Address.ToString(), agent.Key), cancellationToken: Ended);

        await Works(client, agent);
    }

    [Fact]
    [OnAnyStore]
    public async Task A_client_without_a_good_key_is_told_so()
    {
        var agent = await NewProject().Agent();

        foreach (var transport in new IClientTransport[] { Http(agent, HttpTransportMode.StreamableHttp, "nonsense"),
            Stdio(agent.Address.ToString(), "nonsense") })
        {
            var refused = await Should.ThrowAsync<McpException>(async () =>
                await McpClient.CreateAsync(transport, cancellationToken: Ended));
            refused.Message.ShouldContain("Invalid API key");
        }
    }

    [Fact]
    [OnAnyStore]
    public async Task A_server_that_is_away_is_told_of_over_stdio()
    {
        await using var server = await Store.Own();
        var agent = await new Project(server.Api).Agent();
        await using var client = await McpClient.CreateAsync(Stdio(server.Api.Address.ToString(), agent.Key), cancellationToken: Ended);

        await server.Kill();

        var refused = await Should.ThrowAsync<McpException>(async () =>
            await client.CallToolAsync("ensure_project", cancellationToken: Ended));
        refused.Message.ShouldContain("No answer from");
    }

    private static async Task Works(McpClient client, Agent agent)
    {
        (client.ServerInfo!.Name, client.ServerCapabilities!.Tools is not null, client.ServerCapabilities.Resources is not null)
            .ShouldBe(("beadhub", true, true));
        await client.PingAsync(cancellationToken: Ended);
        var tools = await client.ListToolsAsync(cancellationToken: Ended);
        tools.Select(tool => tool.Name).ShouldContain("create_task");
        (await client.ListResourcesAsync(cancellationToken: Ended)).Select(resource => resource.Uri).ShouldContain("beadhub://status");

        var created = await Task
            .WhenAll(Enumerable.Range(1, 20).Select(i => Call(client, "create_task", new() { ["title"] = $"Größe {i}" })));
        created.Select(task => task.Number("task_number")).Order().ShouldBe(Enumerable.Range(1, 20));
        var started = await Call(client, "update_task", new() { ["ref"] = "1", ["status"] = "in_progress" });
        started.Text("assignee_agent_id").ShouldBe(agent.Id);
        started.Text("title").ShouldStartWith("Größe");
        var refused = await client.CallToolAsync("get_task", new Dictionary<string, object?> { ["ref"] = "99" }, cancellationToken: Ended);
        refused.IsError.ShouldBe(true);
        refused.Content.OfType<TextContentBlock>().Single().Text.ShouldContain("Task not found");
        var status = await client.ReadResourceAsync("beadhub://status", cancellationToken: Ended);
        status.Contents.OfType<TextResourceContents>().Single().Text.ShouldContain(agent.ProjectId);
    }

    private static async Task<JsonElement> Call(McpClient client, string tool, Dictionary<string, object?> arguments)
    {
        var result = await client.CallToolAsync(tool, arguments, cancellationToken: Ended);
        return JsonDocument.Parse(result.Content.OfType<TextContentBlock>().Single().Text).RootElement;
    }

    private static HttpClientTransport Http(Agent agent, HttpTransportMode mode, string? key = null) => new(new HttpClientTransportOptions
    {
        Endpoint = new Uri(agent.Address, "/mcp"),
        TransportMode = mode,
        AdditionalHeaders = new Dictionary<string, string> { ["Authorization"] = $"Bearer {key ?? agent.Key}" },
    });

    private static StdioClientTransport Stdio(string url, string key) => new(new StdioClientTransportOptions
    {
        Command = "dotnet",
        Arguments = [ServerProcess.Executable(), "mcp", "--url", url, "--key", key],
    });
}
