using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>What <c>/openapi/v1.json</c> says of the server.</summary>
internal sealed class ApiDescription
{
    private readonly JsonElement document;

    private ApiDescription(JsonElement document)
    {
        this.document = document;
        Operations =
        [
            .. from path in document.At("paths").EnumerateObject()
            from operation in path.Value.EnumerateObject()
            select Read(operation.Name, path.Name, operation.Value),
        ];
    }

    public IReadOnlyList<ApiOperation> Operations { get; }

    public static async Task<ApiDescription> Of(Api server) => new(await server.Get("/openapi/v1.json").Ok());

    /// <summary>
    /// The operation that a request is for: of several that match, the one whose path says most; null when there is none.
    /// </summary>
    /// <param name="method">The method.</param>
    /// <param name="path">The path as it is sent, without the query.</param>
    public ApiOperation? Find(string method, string path)
    {
        var parts = path.Split('/');
        return Operations.Where(operation => operation.Method == method && operation.Matches(parts))
            .MinBy(operation => operation.Parameters.Count(parameter => parameter.In == "path"));
    }

    /// <summary>Throws when a server gives an answer that it does not declare.</summary>
    public void Check(string method, string path, int status)
    {
        if (Find(method, path) is { } operation && !operation.Statuses.Contains(status))
            throw new InvalidOperationException($"{operation} answered {status}, which /openapi/v1.json does not declare.");
    }

    private ApiOperation Read(string method, string path, JsonElement operation)
    {
        var (type, body) = operation.TryGetProperty("requestBody", out var request)
            && request.At("content").EnumerateObject().First() is var content
            ? (content.Name, (JsonElement?)Resolve(content.Value.At("schema")))
            : ("", null);
        return new(
            method.ToUpperInvariant(),
            path,
            operation.TryGetProperty("parameters", out var parameters)
                ? [.. parameters.EnumerateArray().Select(Parameter)]
                : [],
            type,
            body,
            [.. operation.At("responses").EnumerateObject().Select(response => int.Parse(response.Name))],
            operation.At("responses").TryGetProperty("200", out var ok)
                && ok.TryGetProperty("content", out var types)
                && types.Has("text/event-stream"));
    }

    private ApiParameter Parameter(JsonElement parameter) => new(
        parameter.Text("in"),
        parameter.Text("name"),
        parameter.TryGetProperty("required", out var required) && required.GetBoolean(),
        Resolve(parameter.At("schema")));

    private JsonElement Resolve(JsonElement schema) =>
        schema.TryGetProperty("$ref", out var reference)
            ? reference.GetString()!.Split('/').Skip(1).Aggregate(document, (part, name) => part.At(name))
            : schema;
}

/// <summary>An operation of the server.</summary>
/// <param name="Method">In capitals.</param>
/// <param name="Path">The template of the path.</param>
/// <param name="Parameters">Parameters of path, query and header.</param>
/// <param name="BodyType">Content type of the body; empty when there is none.</param>
/// <param name="Body">Schema of the body.</param>
/// <param name="Statuses">Statuses of the answers that it declares.</param>
/// <param name="IsStream">Whether it answers with server-sent events.</param>
internal sealed record ApiOperation(
    string Method,
    string Path,
    IReadOnlyList<ApiParameter> Parameters,
    string BodyType,
    JsonElement? Body,
    HashSet<int> Statuses,
    bool IsStream)
{
    private readonly string[] parts = Path.Split('/');

    public bool IsWrite => Method != "GET";

    public bool Matches(string[] path) =>
        path.Length == parts.Length && parts.Zip(path).All(static pair =>
            pair.First.StartsWith('{') ? pair.Second.Length > 0 : pair.First.Equals(pair.Second, StringComparison.OrdinalIgnoreCase));

    public override string ToString() => $"{Method} {Path}";
}

/// <summary>A parameter: where it is (<c>path</c>, <c>query</c>, <c>header</c>), its name and what it may be.</summary>
internal sealed record ApiParameter(string In, string Name, bool IsRequired, JsonElement Schema);
