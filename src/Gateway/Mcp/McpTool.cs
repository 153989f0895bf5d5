using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using Beadhub.Gateway.Hives;
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
    private static readonly JsonSchemaExporterOptions SchemaOptions =
        new() { TreatNullObliviousAsNonNullable = true, TransformSchemaNode = static (_, node) => WithoutRequired(node) };

    private static readonly ToolArgument IdempotencyKey = new(
        ToolCall.IdempotencyKeyArgument,
        Schemas.Text(
            "A name of your own for this call: when you make it again with the same name, it is done once and you get the first answer"));

    /// <summary>JSON Schema of what it answers; null when that is not said.</summary>
    public JsonObject? Output { get; init; }

    /// <summary>Under which name a list that it answers is shown, where a client wants an object.</summary>
    public string? ListName { get; init; }

    /// <summary>What else one could do when it refuses with 404.</summary>
    public string? WhenNotFound { get; init; }

    /// <summary>Whether it waits: the client may be told of its progress.</summary>
    public bool Waits { get; init; }

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
        var taken = (only ?? [.. request.Fields.Where(field => field.Place != Place.Header).Select(field => field.Argument)])
            .Select(argument => request.Fields.FirstOrDefault(field => field.Argument == argument)
                ?? throw new InvalidOperationException($"Tool {name}: {request.Operation} takes no {argument}."))
            .Select(field => (Field: field, IsRequired: field.IsRequired || required?.Contains(field.Argument) == true))
            .ToArray();
        return new(name, description, request.Method == "GET", [.. taken.Select(Argument)], call => Send(api, call, request, taken))
        {
            IsRequest = true,
            Output = SchemaOf(request.Responses[0].Body),
        };
    }

    /// <summary>JSON Schema of a type of the API; null when it is none.</summary>
    public static JsonObject? SchemaOf(Type type) =>
        type != typeof(void) && (Wire.Types.GetTypeInfo(type) ?? HiveWire.Types.GetTypeInfo(type)) is { } json
            && json.GetJsonSchemaAsNode(SchemaOptions) is JsonObject schema
            && (schema["type"] as JsonValue)?.GetValueKind() == JsonValueKind.String && schema["type"]!.GetValue<string>() == "object"
            ? schema : null;

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
    /// <param name="withOutput">Whether clients are told what it answers, which they get in that form then.</param>
    public Tool Describe(bool withOutput)
    {
        var properties = new JsonObject();
        foreach (var argument in Reads ? Arguments : [.. Arguments, IdempotencyKey]) properties[argument.Name] = argument.Json();
        var schema = new JsonObject { ["type"] = "object", ["properties"] = properties, ["additionalProperties"] = false };
        var required = Arguments.Where(argument => argument is { IsRequired: true, Own: Own.No })
            .Select(argument => (JsonNode)argument.Name).ToArray();
        if (required.Length > 0) schema["required"] = new JsonArray(required);
        return new()
        {
            Name = Name,
            Description = Description,
            InputSchema = schema.Deserialize(Wire.Types.JsonElement),
            OutputSchema = withOutput && Output is not null ? Output.Deserialize(Wire.Types.JsonElement) : null,
            Annotations = new() { ReadOnlyHint = Reads },
        };
    }

    /// <summary>Does it; a call of a tool that writes is done once under its <c>idempotency_key</c>. Answers with JSON.</summary>
    /// <param name="api">Runs requests from inside.</param>
    /// <param name="call">The call.</param>
    /// <param name="writer">Refuses a caller who may not write; requests to endpoints ask it themselves.</param>
    public Task<ReadOnlyMemory<byte>> Call(InnerRequests api, ToolCall call, Func<ValueTask<ProjectIdentity>> writer)
    {
        MustTake(call.Given);
        call = call.Knowing(OwnValues(call.Who));
        if (Reads || IsRequest) return Run(call);
        return call.IdempotencyKey is { } key
            ? api.RunKeyed(call.Http, $"/mcp/{Name}", call.Fingerprint(), key, http => Write(call.Within(http))) : Write(call);

        async Task<ReadOnlyMemory<byte>> Write(ToolCall within)
        {
            await writer();
            return await Run(within);
        }
    }

    /// <summary>What it takes, in a sentence.</summary>
    public string Usage() => Arguments.Length == 0
        ? $"{Name} takes no arguments."
        : $"{Name} takes {string.Join(", ", Arguments.Select(argument =>
            argument is { IsRequired: true, Own: Own.No } ? $"{argument.Name} (required)" : argument.Name))}.";

    private void MustTake(IEnumerable<string> given)
    {
        foreach (var name in given)
        {
            if (name == IdempotencyKey.Name || Array.Exists(Arguments, argument => argument.Name == name)) continue;
            var shown = name.Length <= 100 ? name : "(a long name)";
            throw ApiException.Unprocessable(NearestName.To(name, Arguments.Select(argument => argument.Name)) is { } near
                ? $"Unknown argument {shown}: did you mean {near}?" : $"Unknown argument {shown}. {Usage()}");
        }
    }

    /// <summary>What follows from the caller for the arguments that say who that is.</summary>
    private Dictionary<string, JsonElement> OwnValues(ProjectIdentity who)
    {
        var own = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var argument in Arguments)
        {
            var value = argument.Own switch
            {
                Own.Agent => who.AgentId,
                Own.Workspace => who.Standing.Agent is { HasWorkspace: true } ? who.AgentId : null,
                Own.Alias => who.Standing.Agent?.Alias,
                _ => null,
            };
            if (value is not null) own[argument.Name] = JsonSerializer.SerializeToElement(value, Wire.Types.String);
        }

        return own;
    }

    private static ToolArgument Argument((Field Field, bool IsRequired) taken) =>
        new(taken.Field.Argument, taken.Field.Schema, taken.IsRequired, taken.Field.Argument switch
        {
            // Where a request does without it, leaving it out means something else: the whole project, or the caller all the same.
            "workspace_id" => taken.Field.IsRequired ? Own.Agent : taken.IsRequired ? Own.Workspace : Own.No,
            "alias" => taken.Field.IsRequired ? Own.Alias : Own.No,
            _ => Own.No,
        });

    // What is null may be left out of an answer; clients read no schema that is a truth value.
    private static JsonNode WithoutRequired(JsonNode node)
    {
        if (node is not JsonObject schema) return new JsonObject();
        schema.Remove("required");
        return schema;
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

            if (isRequired && field.Argument != "workspace_id") call.MustHave(field.Argument);
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

/// <summary>What follows from the caller when an argument that says who that is was not given.</summary>
internal enum Own
{
    /// <summary>Nothing.</summary>
    No,

    /// <summary>The agent's id.</summary>
    Agent,

    /// <summary>The same, when it has a workspace.</summary>
    Workspace,

    /// <summary>The agent's alias.</summary>
    Alias,
}

/// <summary>An argument of a tool.</summary>
/// <param name="Name">Name.</param>
/// <param name="Schema">What it may be.</param>
/// <param name="IsRequired">Whether it must be given.</param>
/// <param name="Own">What follows from the caller for it.</param>
internal sealed record ToolArgument(string Name, OpenApiSchema Schema, bool IsRequired = false, Own Own = Own.No)
{
    /// <summary>JSON Schema of it.</summary>
    public JsonObject Json()
    {
        using var text = new StringWriter();
        Schema.SerializeAsV31(new OpenApiJsonWriter(text));
        return JsonNode.Parse(text.ToString())!.AsObject();
    }
}
