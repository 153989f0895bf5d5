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
        "POST /v1/agents/heartbeat", "POST /v1/messages/{messageId}/ack", "POST /v1/workspaces/{workspaceId}/restore",
        "POST /v1/policies/reset",
        "POST /v1/policies/{policyId}/activate", "POST /v1/projects/{projectId}/archive",
        "POST /v1/projects/{projectId}/unarchive", "POST /v1/webhooks/{webhookId}/enable", "POST /v1/stream-tickets",
        "POST /api/v1/agents/{name}/follow", "POST /api/v1/hives/{name}/join", "POST /api/v1/posts/{id}/pin",
        "POST /sync/v1/groups/{id}/leave", "POST /api/v1/sync/groups/{id}/resync", "POST /api/v1/sync/groups/{id}/rotate-key",
        "POST /api/v1/sync/peers/{id}/test",
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
            var isAnswered = responses.TryGetProperty("204", out _)
                || ((responses.TryGetProperty("200", out var ok) || responses.TryGetProperty("201", out ok)) && ok.Has("content"));
            if (!isAnswered) missing.Add($"{name}: body of its answer");
            if (name.Contains("/v1/", StringComparison.Ordinal) && responses.EnumerateObject().Count() < 2)
                missing.Add($"{name}: refusals");
            foreach (var part in name.Split('{').Skip(1).Select(part => part.Split('}')[0]))
                if (!Parameters(operation).Contains($"path {part}")) missing.Add($"{name}: parameter {part}");
            var takesBody = name.StartsWith("POST ", StringComparison.Ordinal) || name.StartsWith("PUT ", StringComparison.Ordinal)
                || name.StartsWith("PATCH ", StringComparison.Ordinal);
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
        var limit = operations["GET /v1/claims"].Items("parameters").Single(parameter => parameter.Text("name") == "limit")
            .GetProperty("schema");
        (limit.Text("type"), limit.Number("minimum"), limit.Number("maximum")).ShouldBe(("integer", 1, 200));

        var sync = operations["POST /v1/bdh/sync"].At("requestBody", "content", "application/json", "schema");
        sync.Texts("required").ShouldBe(["workspace_id", "alias", "human_name", "repo_origin"], ignoreOrder: true);
        sync.At("properties", "alias").Number("maxLength").ShouldBe(64);
        var reserve = operations["POST /v1/reservations"].At("requestBody", "content", "application/json", "schema");
        reserve.At("properties").EnumerateObject().Select(field => field.Name)
            .ShouldBe(["resource_key", "resource_keys", "pattern", "ttl_seconds", "metadata"], ignoreOrder: true);
        reserve.Has("required").ShouldBeFalse();
        operations["POST /v1/policies"].At("requestBody", "content", "application/json", "schema").Texts("required").ShouldBe(["bundle"]);
        Parameters(operations["GET /v1/status/stream"]).ShouldContain("header Last-Event-ID");
        operations["POST /v1/beads/claim-next"].At("requestBody").Has("required").ShouldBeFalse();
        operations["POST /v1/beads/upload-jsonl"].At("requestBody", "content").TryGetProperty("text/plain", out _).ShouldBeTrue();
    }

    [Fact]
    public async Task Operations_have_names_and_paths_of_their_own()
    {
        var document = (await Api.Get("/openapi/v1.json")).Ok();

        Operations(document).Select(operation => operation.Operation.Text("operationId")).ShouldBeUnique();
        // Two templates that differ in the name of a parameter only are one path to OpenAPI.
        document.GetProperty("paths").EnumerateObject().Select(path =>
            string.Join("{}", path.Name.Split('{').Select(part => part[(part.IndexOf('}') + 1)..]))).ShouldBeUnique();
    }

    [Fact]
    public async Task Refusals_are_declared_by_what_an_operation_does()
    {
        var document = (await Api.Get("/openapi/v1.json")).Ok();
        foreach (var (name, operation) in Operations(document))
        {
            var declared = operation.GetProperty("responses").EnumerateObject().Select(response => response.Name).ToArray();
            // Of who asks: no credentials, a public reader, an agent that is gone.
            if (declared.Contains("401")) new[] { "403", "404" }.ShouldBeSubsetOf(declared, name);
            if (declared.Contains("401") && !name.StartsWith("GET ", StringComparison.Ordinal)) declared.ShouldContain("410", name);
            if (Parameters(operation).Contains("header Idempotency-Key"))
                new[] { "409", "413", name.Contains(" /api/v1/", StringComparison.Ordinal) ? "400" : "422" }
                    .ShouldBeSubsetOf(declared, name);
            if (operation.TryGetProperty("requestBody", out _)) new[] { "400", "413", "415" }.ShouldBeSubsetOf(declared, name);
            // OpenHive tells with 400 what is wrong with fields.
            if (operation.TryGetProperty("requestBody", out _) && !name.Contains(" /api/", StringComparison.Ordinal)
                && !name.Contains(" /sync/", StringComparison.Ordinal))
                declared.ShouldContain("422", name);
            new[] { "429", "503" }.ShouldBeSubsetOf(declared, name);
        }

        var responses = Operations(document).ToDictionary(operation => operation.Name, operation =>
            operation.Operation.GetProperty("responses"));
        responses["POST /mcp"].Has("202").ShouldBeTrue();
        responses["GET /v1/policies/active"].Has("304").ShouldBeTrue();
        var held = responses["POST /v1/reservations"].At("409", "content", "application/json", "schema").Items("anyOf")
            .Select(schema => schema.Text("$ref"));
        held.ShouldBe(["#/components/schemas/ReservationHeld", "#/components/schemas/ErrorDetail"]);
        document.At("components", "responses", "422", "content", "application/json", "schema").Text("$ref")
            .ShouldBe("#/components/schemas/InvalidRequest");
        document.At("components", "schemas", "InvalidRequest", "properties", "detail").Items("anyOf").Select(schema => schema.Text("type"))
            .ShouldBe(["string", "array"]);
    }

    [Fact]
    public async Task The_document_is_made_once()
    {
        var first = await Api.Get("/openapi/v1.json");
        var second = await Api.Get("/openapi/v1.json");

        second.Text.ShouldBe(first.Text);
        first.Text.Length.ShouldBeLessThan(450_000);
        // A number is not also a text, though the host's rules would read it from one; only the places of errors are names and indexes.
        var types = Schemas(first.Ok()).Where(schema => schema.TryGetProperty("type", out var type)
            && type.ValueKind == JsonValueKind.Array).Select(schema => schema.Texts("type"));
        types.Count(type => type.Contains("string") && type.Contains("integer")).ShouldBe(2);
    }

    [Fact]
    public async Task Describing_an_endpoint_does_nothing()
    {
        // Describing the bootstrap, which needs no key, must not bootstrap.
        (await Api.Get("/openapi/v1.json")).Ok();
        (await Api.Post("/v1/agents/suggest-alias-prefix", new { project_slug = "none-" + Guid.NewGuid().ToString("n")[..8] })).Ok()
            .IsNull("project_id").ShouldBeTrue();
        (await Api.Get("/docs/index.html")).Status.ShouldBe(200);
    }

    private static IEnumerable<(string Name, JsonElement Operation)> Operations(JsonElement document) =>
        from path in document.GetProperty("paths").EnumerateObject()
        from operation in path.Value.EnumerateObject()
        select ($"{operation.Name.ToUpperInvariant()} {path.Name}", operation.Value);

    private static IEnumerable<JsonElement> Schemas(JsonElement part) => part.ValueKind switch
    {
        JsonValueKind.Object => [part, .. part.EnumerateObject().SelectMany(field => Schemas(field.Value))],
        JsonValueKind.Array => part.EnumerateArray().SelectMany(Schemas),
        _ => [],
    };

    private static string[] Parameters(JsonElement operation) => operation.TryGetProperty("parameters", out var parameters)
        ? [.. parameters.EnumerateArray().Select(parameter => $"{parameter.Text("in")} {parameter.Text("name")}")]
        : [];
}
