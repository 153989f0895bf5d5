using System.Text.Json;
using System.Text.Json.Nodes;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Microsoft.OpenApi;
using ModelContextProtocol.Protocol;

namespace Beadhub.Gateway.Mcp;

/// <summary>A tool: what it is called, what it takes, and what it does.</summary>
/// <param name="Name">Name.</param>
/// <param name="Description">What it is good for, for a model that reads it.</param>
/// <param name="Reads">Whether it changes nothing.</param>
/// <param name="Arguments">What it takes.</param>
/// <param name="Run">Does it; answers with JSON.</param>
internal sealed record McpTool(string Name, string Description, bool Reads, ToolArgument[] Arguments,
    Func<ToolCall, Task<ReadOnlyMemory<byte>>> Run)
{
    private static readonly ToolArgument IdempotencyKey = new(
        ToolCall.IdempotencyKeyArgument,
        Schemas.Text(
            "A name of your own for this call: when you make it again with the same name, it is done once and you get the first answer"));

    /// <summary>Whether it is a request to an endpoint, which asks itself who may make it.</summary>
    private bool IsRequest { get; init; }

    /// <summary>A tool that is a declared request: it takes the request's fields, all of them or some.</summary>
    /// <param name="api">Runs requests from inside.</param>
    /// <param name="request">The request.</param>
    /// <param name="name">Name of the tool.</param>
    /// <param name="description">What it is good for.</param>
    /// <param name="only">Names of the arguments that it takes; all fields unless given.</param>
    /// <param name="required">Names of arguments that the tool wants, though the request does without.</param>
    public static McpTool Request(InnerRequests api, RequestShape request, string name, string description, string[]? only = null,
        string[]? required = null)
    {
        var taken = (only ?? [.. request.Fields.Select(field => field.Argument)])
            .Select(argument => request.Fields.FirstOrDefault(field => field.Argument == argument)
                ?? throw new InvalidOperationException($"Tool {name}: {request.Operation} takes no {argument}."))
            .Select(field => (Field: field, IsRequired: field.IsRequired || required?.Contains(field.Argument) == true))
            .ToArray();
        return new(name, description, request.Method == "GET",
            [.. taken.Select(one => new ToolArgument(one.Field.Argument, one.Field.Schema, one.IsRequired))],
            call => Send(api, call, request, taken)) { IsRequest = true };
    }

    /// <summary>The tool after a check of its own.</summary>
    public McpTool After(Func<ToolCall, Task> check) => this with
    {
        Run = async call =>
        {
            await check(call);
            return await Run(call);
        },
    };

    /// <summary>As <c>tools/list</c> shows it.</summary>
    public Tool Describe()
    {
        var properties = new JsonObject();
        foreach (var argument in Reads ? Arguments : [.. Arguments, IdempotencyKey]) properties[argument.Name] = argument.Json();
        var schema = new JsonObject { ["type"] = "object", ["properties"] = properties };
        var required = Arguments.Where(argument => argument.IsRequired).Select(argument => (JsonNode)argument.Name).ToArray();
        if (required.Length > 0) schema["required"] = new JsonArray(required);
        return new() { Name = Name, Description = Description, InputSchema = schema.Deserialize(Wire.Types.JsonElement),
            Annotations = new() { ReadOnlyHint = Reads } };
    }

    /// <summary>Does it; a call of a tool that writes is done once under its <c>idempotency_key</c>. Answers with JSON.</summary>
    /// <param name="api">Runs requests from inside.</param>
    /// <param name="call">The call.</param>
    /// <param name="writer">Refuses a caller who may not write; requests to endpoints ask it themselves.</param>
    public Task<ReadOnlyMemory<byte>> Call(InnerRequests api, ToolCall call, Func<ValueTask<ProjectIdentity>> writer)
    {
        if (Reads || IsRequest) return Run(call);
        return call.IdempotencyKey is { } key
            ? api.RunKeyed(call.Http, $"/mcp/{Name}", call.Fingerprint(), key, http => Write(call.Within(http))) : Write(call);

        async Task<ReadOnlyMemory<byte>> Write(ToolCall within)
        {
            await writer();
            return await Run(within);
        }
    }

    private static Task<ReadOnlyMemory<byte>> Send(InnerRequests api, ToolCall call, RequestShape request,
        (Field Field, bool IsRequired)[] taken)
    {
        var (path, query) = (request.Path, new QueryString());
        using var buffer = new MemoryStream();
        using var body = new Utf8JsonWriter(buffer, Wire.WriterOptions);
        body.WriteStartObject();
        foreach (var (field, isRequired) in taken)
        {
            if (field.Place == Place.Path)
            {
                path = path.Replace($"{{{field.Name}}}", call.PathPart(field.Argument), StringComparison.Ordinal);
                continue;
            }

            if (isRequired) call.MustHave(field.Argument);
            if (call.Value(field.Argument) is not { } value) continue;
            if (field.Place == Place.Query)
            {
                query = query.Add(field.Name, call.AsText(field.Argument, value));
                continue;
            }

            body.WritePropertyName(field.Name);
            body.WriteRawValue(value.GetRawText(), skipInputValidation: true);
        }

        body.WriteEndObject();
        body.Flush();
        return api.Run(
            call.Http, request.Method, path, query, request.HasBody ? buffer.ToArray() : null,
            HttpMethods.IsGet(request.Method) ? null : call.IdempotencyKey);
    }
}

/// <summary>An argument of a tool.</summary>
/// <param name="Name">Name.</param>
/// <param name="Schema">What it may be.</param>
/// <param name="IsRequired">Whether it must be given.</param>
internal sealed record ToolArgument(string Name, OpenApiSchema Schema, bool IsRequired = false)
{
    /// <summary>JSON Schema of it.</summary>
    public JsonObject Json()
    {
        using var text = new StringWriter();
        Schema.SerializeAsV31(new OpenApiJsonWriter(text));
        return JsonNode.Parse(text.ToString())!.AsObject();
    }
}
