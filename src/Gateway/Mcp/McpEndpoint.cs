using System.Collections.Frozen;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;

namespace Beadhub.Gateway.Mcp;

/// <summary>
/// <c>POST /mcp</c>: the Model Context Protocol, as the contract's plain JSON-RPC (contract 16) and, with the same answers, as its
/// Streamable HTTP without sessions: a client may be answered with JSON to every post, and its notifications are accepted.
/// </summary>
internal sealed class McpEndpoint
{
    private const int InvalidRequest = -32600, MethodNotFound = -32601, InvalidParams = -32602, InternalError = -32000;
    private const string StatusUri = "beadhub://status";
    private const string Instructions =
        "Beadhub coordinates a team of coding agents. Look at get_ready_issues or ready_tasks for work, claim it before you start, read "
            + "fetch_inbox between steps, and ask a human with escalate when you are stuck.";

    // Versions that begin with `initialize`, newest first.
    private static readonly string[] Versions = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

    private readonly Identification _identification;
    private readonly InnerRequests _api;
    private readonly ILogger<McpEndpoint> _logger;
    private readonly FrozenDictionary<string, McpTool> _tools;
    private readonly byte[] _toolList;
    private readonly byte[] _resourceList;

    public McpEndpoint(IEndpointRouteBuilder routes, Identification identification, InnerRequests api, ILogger<McpEndpoint> logger)
    {
        _identification = identification;
        _api = api;
        _logger = logger;
        var tools = McpTools.Of(routes).ToArray();
        _tools = tools.ToFrozenDictionary(tool => tool.Name, StringComparer.Ordinal);
        _toolList = Bytes(new ListToolsResult { Tools = [.. tools.Select(tool => tool.Describe())] });
        _resourceList = Bytes(new ListResourcesResult
        {
            Resources =
                [new() { Uri = StatusUri, Name = "Status", Description = "Who is there and works on what in the project",
                MimeType = Wire.Json }],
        });
    }

    /// <summary>Maps the endpoint; the last of all, since its tools are requests to the others.</summary>
    public static void Map(IEndpointRouteBuilder routes) => routes.Map(
        new RequestGroup("/mcp", "mcp", "Model Context Protocol")
            .Post("", "callMcp", "Model Context Protocol: tools and resources over JSON-RPC 2.0")
            // Who asks is told by the credentials as everywhere; that they are not good is said within the answer.
            .Needs(Caller.Nobody)
            .Takes(Call.Fields).AnswersNothing(StatusCodes.Status202Accepted)
            .Bind(Call.Read)
            .Answers<JsonElement>(),
        ActivatorUtilities.CreateInstance<McpEndpoint>(routes.ServiceProvider, routes).Post);

    private async Task<Answer<JsonElement>> Post(Call call, Anybody caller, HttpContext http)
    {
        if (call.Version != "2.0") return Failed(call.Id, InvalidRequest, "Invalid jsonrpc version");
        // Nobody waits for an answer to a notification, and none of them means anything here.
        if (call is { Id: null, Method: { } method } && method.StartsWith("notifications/", StringComparison.Ordinal))
            return Answer.Nothing(StatusCodes.Status202Accepted);
        try
        {
            var who = await _identification.ReaderOf(http);
            return Succeeded(call.Id, await Dispatch(http, who, call));
        }
        catch (CallFailedException e)
        {
            return Failed(call.Id, e.Code, e.Message, e.Data);
        }
        catch (ApiException e)
        {
            return Failed(call.Id, e.Status, e.Message);
        }
        catch (RefusedException e)
        {
            return Failed(call.Id, ErrorAnswers.StatusOf(e.Kind), e.Message);
        }
        catch (UnavailableException)
        {
            return Failed(call.Id, StatusCodes.Status503ServiceUnavailable, ErrorAnswers.Unavailable);
        }
        catch (Exception e) when (!http.RequestAborted.IsCancellationRequested)
        {
            _logger.LogError(e, "{Method} failed", call.Method);
            return Failed(call.Id, InternalError, "Internal error");
        }
    }

    private async Task<ReadOnlyMemory<byte>> Dispatch(HttpContext http, ProjectIdentity who, Call call) => call.Method switch
    {
        RequestMethods.Initialize => Bytes(Initialized(call)),
        RequestMethods.Ping => "{}"u8.ToArray(),
        RequestMethods.ToolsList => _toolList,
        RequestMethods.ToolsCall => await CallTool(http, who, call),
        RequestMethods.ResourcesList => _resourceList,
        RequestMethods.ResourcesTemplatesList => "{\"resourceTemplates\":[]}"u8.ToArray(),
        RequestMethods.ResourcesRead => await ReadResource(http, call),
        { Length: > 0 and <= 200 } other => throw new CallFailedException(MethodNotFound, $"Method not found: {other}"),
        _ => throw new CallFailedException(MethodNotFound, "Method not found"),
    };

    private static InitializeResult Initialized(Call call) => new()
    {
        ProtocolVersion = call.Param("protocolVersion") is { } asked && Versions.Contains(asked) ? asked : Versions[0],
        Capabilities = new() { Tools = new(), Resources = new() },
        ServerInfo = new() { Name = "beadhub", Title = "Beadhub", Version = typeof(McpEndpoint).Assembly.GetName().Version!.ToString(3) },
        Instructions = Instructions,
    };

    private async Task<ReadOnlyMemory<byte>> CallTool(HttpContext http, ProjectIdentity who, Call call)
    {
        var name = call.Param("name") ?? throw new CallFailedException(InvalidParams, "name must be a string");
        var arguments = call.Member("arguments");
        if (arguments is { ValueKind: not (JsonValueKind.Object or JsonValueKind.Null) })
            throw new CallFailedException(InvalidParams, "arguments must be an object");
        if (!_tools.TryGetValue(name, out var tool))
            throw new CallFailedException(MethodNotFound, $"Unknown tool: {(name.Length <= 200 ? name : "(a long name)")}");
        // Most tools are requests to endpoints, which look for themselves; those that are not must not be a way around.
        var payload = await tool.Call(_api, new(http, who, arguments), () => _identification.WriterOf(http));
        return Bytes(new CallToolResult { Content = [new TextContentBlock { Text = Encoding.UTF8.GetString(payload.Span) }] });
    }

    private async Task<ReadOnlyMemory<byte>> ReadResource(HttpContext http, Call call)
    {
        var uri = call.Param("uri") ?? throw new CallFailedException(InvalidParams, "uri parameter is required");
        if (uri != StatusUri)
            throw new CallFailedException(InvalidParams, $"Unknown resource: {(uri.Length <= 200 ? uri : "(a long uri)")}");
        var status = await _api.Run(http, HttpMethods.Get, "/v1/status");
        return Bytes(
            new ReadResourceResult { Contents =
            [new TextResourceContents { Uri = uri, MimeType = Wire.Json, Text = Encoding.UTF8.GetString(status.Span) }] });
    }

    private static byte[] Bytes<T>(T value) =>
        JsonSerializer.SerializeToUtf8Bytes(value, (JsonTypeInfo<T>)McpJsonUtilities.DefaultOptions.GetTypeInfo(typeof(T)));

    private static Answer<JsonElement> Succeeded(string? id, ReadOnlyMemory<byte> result) => Envelope(id, json =>
    {
        json.WritePropertyName("result");
        json.WriteRawValue(result.Span, skipInputValidation: true);
    });

    private static Answer<JsonElement> Failed(string? id, int code, string message, ReadOnlyMemory<byte>? data = null) =>
        Envelope(id, json =>
    {
        json.WriteStartObject("error");
        json.WriteNumber("code", code);
        json.WriteString("message", message);
        if (data is { } more)
        {
            json.WritePropertyName("data");
            json.WriteRawValue(more.Span, skipInputValidation: true);
        }

        json.WriteEndObject();
    });

    // By hand, because an id may be any JSON and comes back as it was sent.
    private static Answer<JsonElement> Envelope(string? id, Action<Utf8JsonWriter> content)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Wire.WriterOptions))
        {
            json.WriteStartObject();
            json.WriteString("jsonrpc", "2.0");
            json.WritePropertyName("id");
            json.WriteRawValue(id ?? "null", skipInputValidation: true);
            content(json);
            json.WriteEndObject();
        }

        return new(buffer.GetBuffer().AsMemory(0, (int)buffer.Length));
    }

    /// <summary>What a JSON-RPC request says; parts of the wrong type count as absent.</summary>
    private sealed record Call(string? Id, string? Version, string? Method, JsonElement? Params)
    {
        private static readonly Field<JsonElement?> IdField = InBody
            .Json("id", Schemas.Text("Comes back with the answer; a request without one is a notification"));
        private static readonly Field<JsonElement?> VersionField = InBody.Json("jsonrpc", Schemas.Text("2.0"));
        private static readonly Field<JsonElement?> MethodField = InBody.Json("method", Schemas.Text("For example tools/call"));
        private static readonly Field<JsonElement?> ParamsField = InBody.Json("params", Schemas.Object("What the method takes"));

        public static readonly Field[] Fields = [IdField, VersionField, MethodField, ParamsField];

        public static Call Read(RequestFields fields) => new(
            fields.Get(IdField) is { ValueKind: not JsonValueKind.Null } id ? id.GetRawText() : null, Text(fields.Get(VersionField)),
            Text(fields.Get(MethodField)),
            fields.Get(ParamsField));

        public JsonElement? Member(string name) =>
            Params is { ValueKind: JsonValueKind.Object } all && all.TryGetProperty(name, out var value) ? value : null;

        public string? Param(string name) => Text(Member(name));

        private static string? Text(JsonElement? value)
        {
            try
            {
                return value is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
            }
            catch (InvalidOperationException)
            {
                // Half a surrogate pair is no text.
                return null;
            }
        }
    }
}
