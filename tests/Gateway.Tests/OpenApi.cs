using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>The OpenAPI document describes every endpoint whole.</summary>
[OnAnyStore]
public abstract class OpenApiContract(Store store) : ContractTests(store)
{
    private static readonly string[] WithoutBody =
    [
        "POST /v1/agents/heartbeat", "POST /v1/messages/{messageId}/ack", "POST /v1/workspaces/{workspaceId}/restore", "POST /v1/policies/reset",
        "POST /v1/policies/{policyId}/activate", "POST /v1/webhooks/{webhookId}/enable",
    ];

    [Fact]
    public async Task Every_operation_has_a_summary_its_parameters_and_its_answers()
    {
        var document = (await Api.Get("/openapi/v1.json")).Ok();
        var missing = new List<string>();
        foreach (var (name, operation) in Operations(document))
        {
            if (!operation.TryGetProperty("summary", out _)) missing.Add($"{name}: summary");
            var responses = operation.GetProperty("responses");
            if (!responses.TryGetProperty("200", out var ok) || !ok.TryGetProperty("content", out _)) missing.Add($"{name}: body of 200");
            if (name.Contains("/v1/", StringComparison.Ordinal) && responses.EnumerateObject().Count() < 2) missing.Add($"{name}: refusals");
            foreach (var part in name.Split('{').Skip(1).Select(part => part.Split('}')[0]))
                if (!Parameters(operation).Contains($"path {part}")) missing.Add($"{name}: parameter {part}");
            var takesBody = name.StartsWith("POST ", StringComparison.Ordinal) || name.StartsWith("PUT ", StringComparison.Ordinal) || name.StartsWith("PATCH ", StringComparison.Ordinal);
            if (takesBody && !WithoutBody.Contains(name) && !operation.TryGetProperty("requestBody", out _)) missing.Add($"{name}: body");
            if (responses.TryGetProperty("401", out _) && !operation.TryGetProperty("security", out _)) missing.Add($"{name}: security");
        }

        missing.ShouldBeEmpty();
    }

    [Fact]
    public async Task Fields_are_described_as_they_are_checked()
    {
        var document = (await Api.Get("/openapi/v1.json")).Ok();
        var operations = Operations(document).ToDictionary(operation => operation.Name, operation => operation.Operation);

        Parameters(operations["GET /v1/claims"]).ShouldBe(["query workspace_id", "query limit", "query cursor"], ignoreOrder: true);
        var limit = operations["GET /v1/claims"].Items("parameters").Single(parameter => parameter.Text("name") == "limit").GetProperty("schema");
        (limit.Text("type"), limit.Number("minimum"), limit.Number("maximum")).ShouldBe(("integer", 1, 200));

        var sync = operations["POST /v1/bdh/sync"].At("requestBody", "content", "application/json", "schema");
        sync.Texts("required").ShouldBe(["workspace_id", "alias", "human_name", "repo_origin"], ignoreOrder: true);
        sync.At("properties", "alias").Number("maxLength").ShouldBe(64);
        operations["POST /v1/beads/upload-jsonl"].At("requestBody", "content").TryGetProperty("text/plain", out _).ShouldBeTrue();
    }

    [Fact]
    public async Task Describing_an_endpoint_does_nothing()
    {
        // A dry run of the bootstrap, which needs no key, must not bootstrap.
        (await Api.Get("/openapi/v1.json")).Ok();
        (await Api.Post("/v1/agents/suggest-alias-prefix", new { project_slug = "none-" + Guid.NewGuid().ToString("n")[..8] })).Ok().IsNull("project_id").ShouldBeTrue();
        (await Api.Get("/docs/index.html")).Status.ShouldBe(200);
    }

    private static IEnumerable<(string Name, JsonElement Operation)> Operations(JsonElement document) =>
        from path in document.GetProperty("paths").EnumerateObject()
        from operation in path.Value.EnumerateObject()
        select ($"{operation.Name.ToUpperInvariant()} {path.Name}", operation.Value);

    private static string[] Parameters(JsonElement operation) => operation.TryGetProperty("parameters", out var parameters)
        ? [.. parameters.EnumerateArray().Select(parameter => $"{parameter.Text("in")} {parameter.Text("name")}")]
        : [];
}
