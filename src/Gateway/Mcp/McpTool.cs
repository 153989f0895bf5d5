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
internal sealed record McpTool(string Name, string Description, bool Reads, ToolArgument[] Arguments, Func<ToolCall, Task<ReadOnlyMemory<byte>>> Run)
{
    private static readonly ToolArgument IdempotencyKey = ToolArgument.Text(
        ToolCall.IdempotencyKeyArgument, "A name of your own for this call: when you make it again with the same name, it is done once and you get the first answer");

    /// <summary>The endpoint to which it is a request, when it is one.</summary>
    public (string Method, string Path)? Endpoint { get; init; }

    /// <summary>A tool that is a request to the API: arguments named in braces go into the path, the others into the query of a GET or DELETE and the body of the rest.</summary>
    public static McpTool Request(InnerRequests api, string name, string description, string method, string path, params ToolArgument[] arguments) =>
        new(name, description, HttpMethods.IsGet(method), arguments, call => Send(api, call, method, path, arguments)) { Endpoint = (method, path) };

    /// <summary>A tool that is a declared request: it takes the request's fields, all of them or some.</summary>
    /// <param name="api">Runs requests from inside.</param>
    /// <param name="request">The request.</param>
    /// <param name="name">Name of the tool.</param>
    /// <param name="description">What it is good for.</param>
    /// <param name="only">Names of the arguments that it takes; all fields unless given.</param>
    /// <param name="required">Names of arguments that the tool wants, though the request does without.</param>
    public static McpTool Request(InnerRequests api, RequestShape request, string name, string description, string[]? only = null, string[]? required = null)
    {
        var fields = (only ?? [.. request.Fields.Select(field => field.Argument)])
            .Select(argument => request.Fields.FirstOrDefault(field => field.Argument == argument)
                ?? throw new InvalidOperationException($"Tool {name}: {request.Operation} takes no {argument}."))
            .Select(field => new ToolArgument(field, field.IsRequired || required?.Contains(field.Argument) == true))
            .ToArray();
        return new(name, description, request.Method == "GET", fields, call => Send(api, call, request.Method, request.Path, fields))
        {
            Endpoint = (request.Method, request.Path),
        };
    }

    /// <summary>As <c>tools/list</c> shows it.</summary>
    public Tool Describe()
    {
        var properties = new JsonObject();
        foreach (var argument in Reads ? Arguments : [.. Arguments, IdempotencyKey]) properties[argument.Name] = argument.Schema();
        var schema = new JsonObject { ["type"] = "object", ["properties"] = properties };
        var required = Arguments.Where(argument => argument.IsRequired).Select(argument => (JsonNode)argument.Name).ToArray();
        if (required.Length > 0) schema["required"] = new JsonArray(required);
        return new() { Name = Name, Description = Description, InputSchema = schema.Deserialize(Wire.Types.JsonElement), Annotations = new() { ReadOnlyHint = Reads } };
    }

    /// <summary>Does it; a call of a tool that writes is done once under its <c>idempotency_key</c>. Answers with JSON.</summary>
    /// <param name="api">Runs requests from inside.</param>
    /// <param name="call">The call.</param>
    /// <param name="writer">Refuses a caller who may not write; requests to endpoints ask it themselves.</param>
    public Task<ReadOnlyMemory<byte>> Call(InnerRequests api, ToolCall call, Func<ValueTask<ProjectIdentity>> writer)
    {
        if (Reads || Endpoint is not null) return Run(call);
        return call.IdempotencyKey is { } key ? api.RunKeyed(call.Http, $"/mcp/{Name}", call.Fingerprint(), key, http => Write(call.Within(http))) : Write(call);

        async Task<ReadOnlyMemory<byte>> Write(ToolCall within)
        {
            await writer();
            return await Run(within);
        }
    }

    /// <summary>Sends a tool's request.</summary>
    public static Task<ReadOnlyMemory<byte>> Send(InnerRequests api, ToolCall call, string method, string path, params ReadOnlySpan<ToolArgument> arguments)
    {
        var query = new QueryString();
        using var buffer = new MemoryStream();
        using var body = new Utf8JsonWriter(buffer, Wire.WriterOptions);
        body.WriteStartObject();
        var inQuery = HttpMethods.IsGet(method) || HttpMethods.IsDelete(method);
        foreach (var argument in arguments)
        {
            var slot = $"{{{argument.Field?.Name ?? argument.Name}}}";
            if (path.Contains(slot, StringComparison.Ordinal))
            {
                path = path.Replace(slot, call.PathPart(argument.Name), StringComparison.Ordinal);
                continue;
            }

            if (argument.IsRequired) call.MustHave(argument.Name);
            if (call.Value(argument.Name) is not { } value) continue;
            if (argument.Field?.Place is { } place ? place == Place.Query : inQuery)
            {
                query = query.Add(argument.Name, call.AsText(argument.Name, value));
                continue;
            }

            body.WritePropertyName(argument.Name);
            body.WriteRawValue(value.GetRawText(), skipInputValidation: true);
        }

        body.WriteEndObject();
        body.Flush();
        return api.Run(call.Http, method, path, query, inQuery ? null : buffer.ToArray(), HttpMethods.IsGet(method) ? null : call.IdempotencyKey);
    }
}

/// <summary>An argument of a tool.</summary>
/// <param name="Name">Name.</param>
/// <param name="Type">Type as JSON Schema names it; <c>strings</c> stands for a list of texts.</param>
/// <param name="Description">What it means.</param>
/// <param name="IsRequired">Whether it must be given.</param>
/// <param name="Words">The values that it may have, when they are few.</param>
internal sealed record ToolArgument(string Name, string Type, string Description, bool IsRequired, string[]? Words = null)
{
    /// <summary>A field of a request.</summary>
    public ToolArgument(Field field, bool isRequired) : this(field.Argument, "", "", isRequired) => Field = field;

    /// <summary>The field of a request that it is, when it is one.</summary>
    public Field? Field { get; }

    /// <summary>A text.</summary>
    public static ToolArgument Text(string name, string description, bool required = false, params string[] words) =>
        new(name, "string", description, required, words.Length > 0 ? words : null);

    /// <summary>A list of texts.</summary>
    public static ToolArgument Texts(string name, string description, bool required = false) => new(name, "strings", description, required);

    /// <summary>A whole number.</summary>
    public static ToolArgument Integer(string name, string description, bool required = false) => new(name, "integer", description, required);

    /// <summary>A truth value.</summary>
    public static ToolArgument Flag(string name, string description, bool required = false) => new(name, "boolean", description, required);

    /// <summary>An object.</summary>
    public static ToolArgument Object(string name, string description) => new(name, "object", description, false);

    /// <summary>JSON Schema of it.</summary>
    public JsonObject Schema()
    {
        if (Field is not null)
        {
            using var text = new StringWriter();
            Field.Schema.SerializeAsV31(new OpenApiJsonWriter(text));
            return JsonNode.Parse(text.ToString())!.AsObject();
        }

        var schema = Type == "strings"
            ? new JsonObject { ["type"] = "array", ["items"] = new JsonObject { ["type"] = "string" } }
            : new JsonObject { ["type"] = Type };
        schema["description"] = Description;
        if (Words is not null) schema["enum"] = new JsonArray([.. Words.Select(word => (JsonNode)word)]);
        return schema;
    }
}
