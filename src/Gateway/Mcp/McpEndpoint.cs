using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Gateway.Streaming;
using Beadhub.Projects;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using Orleans;

namespace Beadhub.Gateway.Mcp;

/// <summary>
/// <c>POST /mcp</c>: the Model Context Protocol, as the contract's plain JSON-RPC (contract 16) and, with the same answers, as its
/// Streamable HTTP: a client may be answered with JSON to every post, or with events where the call waits, and its notifications are
/// accepted. <c>GET /mcp</c> tells a session of the resources that it has subscribed to.
/// </summary>
/// <remarks>
/// A client that states its version of the protocol (<c>MCP-Protocol-Version</c>) gets what a tool refuses as a result that its model
/// reads, and what a tool answers as structured content too; all others get what the reference answers.
/// </remarks>
internal sealed class McpEndpoint
{
    public const int InvalidParams = -32602;

    private const int InvalidRequest = -32600, MethodNotFound = -32601, InternalError = -32000, Cancelled = -32800;
    private const int MostSeen = 100_000;
    private const int PresenceSeconds = 1800;
    private const string Session = "Mcp-Session-Id", ProtocolVersion = "MCP-Protocol-Version";
    private const string Instructions =
        "Beadhub coordinates a team of coding agents. Your key says who you are: whoami tells you, get_policy what the team expects. Look "
            + "at get_ready_issues or ready_tasks for work and claim it before you start (claim_next), reserve the files that you change "
            + "(acquire_lock), read fetch_inbox between steps, wait_for what you need instead of asking again and again, ask a human with "
            + "escalate when you are stuck, and close_issue when it is done.";

    // Versions that begin with `initialize`, newest first.
    private static readonly string[] Versions = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
    private static readonly TimeSpan SignOfLife = TimeSpan.FromMinutes(1);
    private static readonly Field<string> SessionField = InHeader.Text(Session, "The session whose subscriptions are told of");

    private readonly Identification _identification;
    private readonly InnerRequests _api;
    private readonly ILogger<McpEndpoint> _logger;
    private readonly IGrainFactory _grains;
    private readonly FeedHub _hub;
    private readonly EventStreams _streams;
    private readonly TimeProvider _time;
    private readonly GatewaySettings _settings;
    private readonly McpResources _resources;
    private readonly McpSubscriptions _subscriptions = new();
    private readonly FrozenDictionary<string, McpTool> _tools;
    private readonly byte[] _toolList, _toolListWithOutputs;
    private readonly ConcurrentDictionary<string, DateTimeOffset> _seen = new();
    private readonly ConcurrentDictionary<(string Caller, string Session, string Id), CancellationTokenSource> _running = new();

    public McpEndpoint(IEndpointRouteBuilder routes, Identification identification, InnerRequests api, IGrainFactory grains, FeedHub hub,
        EventStreams streams, TimeProvider time, GatewaySettings settings, ILogger<McpEndpoint> logger)
    {
        (_identification, _api, _grains, _hub, _streams, _time, _settings, _logger) =
            (identification, api, grains, hub, streams, time, settings, logger);
        _resources = new(api);
        var tools = McpTools.Of(routes).ToArray();
        _tools = tools.ToFrozenDictionary(tool => tool.Name, StringComparer.Ordinal);
        _toolList = Bytes(new ListToolsResult { Tools = [.. tools.Select(tool => tool.Describe(withOutput: false))] });
        _toolListWithOutputs = Bytes(new ListToolsResult { Tools = [.. tools.Select(tool => tool.Describe(withOutput: true))] });
    }

    /// <summary>Maps the endpoint; the last of all, since its tools are requests to the others.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoint = ActivatorUtilities.CreateInstance<McpEndpoint>(routes.ServiceProvider, routes);
        var requests = new RequestGroup("/mcp", "mcp", "Model Context Protocol");
        routes.Map(
            requests.Post("", "callMcp", "Model Context Protocol: tools, resources and prompts over JSON-RPC 2.0")
                // Who asks is told by the credentials as everywhere; that they are not good is said within the answer.
                .Needs(Caller.Nobody)
                .Takes(Call.Fields).AnswersNothing(StatusCodes.Status202Accepted)
                .Bind(Call.Read)
                .Answers<JsonElement>(),
            endpoint.Post);
        routes.Map(
            requests.Get("", "streamMcp", "Notifications about the resources that a session has subscribed to, as server-sent events")
                .Needs(Caller.Reader)
                .Takes(SessionField)
                .Bind(static fields => fields.Get(SessionField))
                .Streams(),
            endpoint.Listen);
    }

    private async Task<Answer<JsonElement>> Post(Call call, Anybody caller, HttpContext http)
    {
        if (call.Version != "2.0") return Failed(call.Id, InvalidRequest, "Invalid jsonrpc version");
        // Nobody waits for an answer to a notification; the only one that means anything takes a call back.
        if (call is { Id: null, Method: { } method } && method.StartsWith("notifications/", StringComparison.Ordinal))
        {
            if (method == NotificationMethods.CancelledNotification) await Cancel(call, http);
            return Answer.Nothing(StatusCodes.Status202Accepted);
        }

        ProjectIdentity? who = null;
        var refused = await Answered(call, http.RequestAborted, async () =>
        {
            who = await _identification.ReaderOf(http);
            return "{}"u8.ToArray();
        });
        if (who is null) return refused;
        if (call.Method == RequestMethods.ToolsCall && call.Param("name") is { } name && _tools.GetValueOrDefault(name) is { Waits: true })
            return await CallThatWaits(call, who, http);
        return await Answered(call, http.RequestAborted, () => Dispatch(http, who, call));
    }

    /// <summary>A call that may take long: told of by events where the client takes those, and ended when it is taken back.</summary>
    private async Task<Answer<JsonElement>> CallThatWaits(Call call, ProjectIdentity who, HttpContext http)
    {
        var ended = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        var key = (CallerOf(who), SessionOf(http), call.Id ?? "");
        if (call.Id is not null) _running[key] = ended;
        if (!http.Request.Headers.Accept.ToString().Contains("text/event-stream", StringComparison.OrdinalIgnoreCase))
            return await Run(static (_, _, _) => Task.CompletedTask);
        return new Events(http => Stream(http.Response));

        async Task<Answer<JsonElement>> Run(Func<double, double, string, Task> progress)
        {
            try
            {
                return await Answered(call, ended.Token, () => CallTool(http, who, call, progress, ended.Token));
            }
            finally
            {
                _running.TryRemove(new(key, ended));
                ended.Dispose();
            }
        }

        async Task Stream(HttpResponse response)
        {
            response.ContentType = "text/event-stream; charset=utf-8";
            response.Headers.CacheControl = "no-cache";
            response.Headers["X-Accel-Buffering"] = "no";
            await response.Body.FlushAsync(ended.Token);
            var answer = await Run(async (taken, limit, text) =>
            {
                await response.Body.WriteAsync(
                    call.ProgressToken is { } token ? Progressed(token, taken, limit, text) : EventStreams.KeepAlive, ended.Token);
                await response.Body.FlushAsync(ended.Token);
            });
            if (http.RequestAborted.IsCancellationRequested) return;
            await response.Body.WriteAsync(McpEvent.Of(answer.Json.Span));
        }
    }

    private static byte[] Progressed(JsonElement token, double taken, double limit, string text) => McpEvent.Of(json =>
    {
        json.WriteString("method", NotificationMethods.ProgressNotification);
        json.WriteStartObject("params");
        json.WritePropertyName("progressToken");
        token.WriteTo(json);
        json.WriteNumber("progress", Math.Round(taken, 1));
        json.WriteNumber("total", limit);
        json.WriteString("message", text);
        json.WriteEndObject();
    });

    private async Task Cancel(Call call, HttpContext http)
    {
        try
        {
            var who = await _identification.ReaderOf(http);
            if (call.Member("requestId") is { } id
                && _running.TryGetValue((CallerOf(who), SessionOf(http), id.GetRawText()), out var running))
                await running.CancelAsync();
        }
        catch (Exception e) when (e is ApiException or UnavailableException or ObjectDisposedException)
        {
            // Whose it is not cannot take it back; what has ended needs not be.
        }
    }

    private async Task<Answer<JsonElement>> Answered(Call call, CancellationToken ended, Func<Task<ReadOnlyMemory<byte>>> run)
    {
        try
        {
            return Succeeded(call.Id, await run());
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
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            return Failed(call.Id, Cancelled, "The request was cancelled");
        }
        catch (Exception e) when (!ended.IsCancellationRequested)
        {
            _logger.LogError(e, "{Method} failed", call.Method);
            return Failed(call.Id, InternalError, "Internal error");
        }
    }

    private async Task<ReadOnlyMemory<byte>> Dispatch(HttpContext http, ProjectIdentity who, Call call) => call.Method switch
    {
        RequestMethods.Initialize => Bytes(await Initialized(http, who, call)),
        RequestMethods.Ping => "{}"u8.ToArray(),
        RequestMethods.ToolsList => StatesVersion(http) ? _toolListWithOutputs : _toolList,
        RequestMethods.ToolsCall => await CallTool(http, who, call, static (_, _, _) => Task.CompletedTask, http.RequestAborted),
        RequestMethods.ResourcesList => Bytes(_resources.List),
        RequestMethods.ResourcesTemplatesList => Bytes(_resources.Templates),
        RequestMethods.ResourcesRead => await ReadResource(http, who, call),
        RequestMethods.ResourcesSubscribe => Subscribe(http, who, call, begins: true),
        RequestMethods.ResourcesUnsubscribe => Subscribe(http, who, call, begins: false),
        RequestMethods.PromptsList => Bytes(McpPrompts.List),
        RequestMethods.PromptsGet => Bytes(McpPrompts.Get(
            call.Param("name") ?? throw new CallFailedException(InvalidParams, "name must be a string"), call.PromptArgument)),
        { Length: > 0 and <= 200 } other => throw new CallFailedException(MethodNotFound, $"Method not found: {other}"),
        _ => throw new CallFailedException(MethodNotFound, "Method not found"),
    };

    private async Task<InitializeResult> Initialized(HttpContext http, ProjectIdentity who, Call call)
    {
        // Its subscriptions are kept by it; nothing else is.
        http.Response.Headers[Session] = Guid.NewGuid().ToString("N");
        await Seen(who, call.Member("clientInfo") is { ValueKind: JsonValueKind.Object } client
            && client.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String ? name.GetString() : null);
        return new()
        {
            ProtocolVersion = call.Param("protocolVersion") is { } asked && Versions.Contains(asked) ? asked : Versions[0],
            Capabilities = new() { Tools = new(), Resources = new() { Subscribe = true }, Prompts = new() },
            ServerInfo =
                new() { Name = "beadhub", Title = "Beadhub", Version = typeof(McpEndpoint).Assembly.GetName().Version!.ToString(3) },
            Instructions = Instructions,
        };
    }

    private async Task<ReadOnlyMemory<byte>> CallTool(
        HttpContext http, ProjectIdentity who, Call call, Func<double, double, string, Task> progress, CancellationToken ended)
    {
        var name = call.Param("name") ?? throw new CallFailedException(InvalidParams, "name must be a string");
        var arguments = call.Member("arguments");
        if (arguments is { ValueKind: not (JsonValueKind.Object or JsonValueKind.Null) })
            throw new CallFailedException(InvalidParams, "arguments must be an object");
        if (!_tools.TryGetValue(name, out var tool))
            throw new CallFailedException(MethodNotFound, $"Unknown tool: {(name.Length <= 200 ? name : "(a long name)")}"
                + (StatesVersion(http) && NearestName.To(name, _tools.Keys) is { } near ? $". Did you mean {near}?" : ""));
        if (who.AgentId is not null) who = await _identification.WithStanding(who);
        await Seen(who, null);
        if (!StatesVersion(http)) return Bytes(Result(tool, await Payload(), structured: false));
        try
        {
            return Bytes(Result(tool, await Payload(), structured: true));
        }
        catch (CallFailedException e) when (e.Code >= 400)
        {
            return Bytes(ToolRefusal.Of(tool, e.Code, e.Message, e.Data, _time.GetUtcNow()));
        }
        catch (ApiException e)
        {
            return Bytes(ToolRefusal.Of(tool, e.Status, e.Message, null, _time.GetUtcNow()));
        }
        catch (RefusedException e)
        {
            return Bytes(ToolRefusal.Of(tool, ErrorAnswers.StatusOf(e.Kind), e.Message, null, _time.GetUtcNow()));
        }
        catch (UnavailableException)
        {
            return Bytes(ToolRefusal.Of(tool, StatusCodes.Status503ServiceUnavailable, ErrorAnswers.Unavailable, null, _time.GetUtcNow()));
        }

        // Most tools are requests to endpoints, which look for themselves; those that are not must not be a way around.
        Task<ReadOnlyMemory<byte>> Payload() => tool.Call(
            _api, new(http, who, arguments) { Progress = progress, Ended = ended }, () => _identification.WriterOf(http));
    }

    private static CallToolResult Result(McpTool tool, ReadOnlyMemory<byte> payload, bool structured) => new()
    {
        Content = [new TextContentBlock { Text = Encoding.UTF8.GetString(payload.Span) }],
        StructuredContent = !structured || tool.Output is null ? null
            : tool.ListName is null ? JsonElement.Parse(payload.Span)
            : JsonElement.Parse($$"""{"{{tool.ListName}}":{{Encoding.UTF8.GetString(payload.Span)}}}"""),
    };

    /// <summary>
    /// Takes a call as a sign of life, so that others see who works over MCP; one a minute is enough, and none of them may fail a call.
    /// </summary>
    private async Task Seen(ProjectIdentity who, string? program)
    {
        if (who is not { AgentId: { } agent, Mode: not AuthMode.PublicReader }) return;
        var now = _time.GetUtcNow();
        if (program is null && _seen.TryGetValue(agent, out var last) && now - last < SignOfLife) return;
        if (_seen.Count > MostSeen) _seen.Clear();
        _seen[agent] = now;
        try
        {
            var project = _grains.GetGrain<IProjectGrain>(who.ProjectId);
            if (program is null) await project.AgentHeartbeat(agent);
            else await project.RegisterPresence(new(agent, agent, null, program, null, null, null, null, PresenceSeconds));
        }
        catch (Exception e) when (e is RefusedException or UnavailableException or ApiException)
        {
            // An agent without a workspace, or one that has ended, is not shown by its program.
            if (program is not null) await Seen(who, null);
        }
    }

    private async Task<ReadOnlyMemory<byte>> ReadResource(HttpContext http, ProjectIdentity who, Call call)
    {
        var uri = call.Param("uri") ?? throw new CallFailedException(InvalidParams, "uri parameter is required");
        await Seen(who, null);
        return Bytes(
            new ReadResourceResult { Contents =
            [new TextResourceContents { Uri = uri, MimeType = Wire.Json, Text = await _resources.Read(http, who, uri) }] });
    }

    private ReadOnlyMemory<byte> Subscribe(HttpContext http, ProjectIdentity who, Call call, bool begins)
    {
        var uri = call.Param("uri") ?? throw new CallFailedException(InvalidParams, "uri parameter is required");
        McpResources.MustExist(uri);
        if (begins) _subscriptions.Add(CallerOf(who), SessionOf(http), uri);
        else _subscriptions.Remove(CallerOf(who), SessionOf(http), uri);
        return "{}"u8.ToArray();
    }

    private Task<EventStream> Listen(string session, ProjectIdentity who) => Task.FromResult(new EventStream(http =>
        _streams.Serve(http, who, "mcp", async () => new ResourceUpdates(
            _hub, await _hub.Watch(who.ProjectId), who, () => _subscriptions.Of(CallerOf(who), session)))));

    private static bool StatesVersion(HttpContext http) => http.Request.Headers.ContainsKey(ProtocolVersion);

    // Ids that are given here are no longer than this; another would only fill the memory.
    private static string SessionOf(HttpContext http) => http.Request.Headers[Session].ToString() is { Length: <= 64 } id ? id : "";

    private static string CallerOf(ProjectIdentity who) => who.AgentId ?? who.ApiKeyId ?? who.UserId ?? who.ProjectId;

    /// <summary>An answer of events.</summary>
    private sealed class Events(Func<HttpContext, Task> serve) : Answer<JsonElement>(default)
    {
        public override Task ExecuteAsync(HttpContext httpContext) => serve(httpContext);
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

        /// <summary>What the client wants to be told of progress by; null when it does not.</summary>
        public JsonElement? ProgressToken =>
            Member("_meta") is { ValueKind: JsonValueKind.Object } meta && meta.TryGetProperty("progressToken", out var token)
                && token.ValueKind is JsonValueKind.String or JsonValueKind.Number ? token : null;

        /// <summary>An argument of a prompt.</summary>
        public string? PromptArgument(string name) =>
            Member("arguments") is { ValueKind: JsonValueKind.Object } all && all.TryGetProperty(name, out var value)
                && Text(value) is { Length: > 0 and <= 200 } text && !text.Any(char.IsControl) ? text : null;

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
