using System.Net.Http.Headers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Beadhub.Testing;

/// <summary>A Beadhub server as a caller sees it: an address, and the headers that say who calls.</summary>
public class Api
{
    /// <summary>Fields that are null are left out, so that one anonymous object serves with and without its optional fields.</summary>
    public static readonly JsonSerializerOptions Json = new()
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        MaxDepth = 128,
    };

    /// <summary>The administrators' key of test servers. Without one, whoever asks from this machine would be one: also tests that send
    /// whatever comes to mind.</summary>
    public const string AdminKey = "test-admin-key-0123456789";

    /// <summary>Is told of every answer that is read to its end: method, path and status. What it throws fails the test.</summary>
    public static Action<string, string, int>? Answered { get; set; }

    private readonly HttpClient http;
    private readonly (string Name, string Value)[] headers;

    public Api(Uri address)
        : this(Connect(address), [])
    {
    }

    protected Api(Api origin, params (string Name, string Value)[] headers)
        : this(origin.http, headers)
    {
    }

    private Api(HttpClient http, (string Name, string Value)[] headers)
    {
        this.http = http;
        this.headers = headers;
    }

    public Uri Address => http.BaseAddress!;

    /// <summary>The same server, called with exactly these headers.</summary>
    public Api With(params (string Name, string Value)[] other) => new(http, other);

    /// <summary>The same server, called with this bearer key.</summary>
    public Api As(string key) => With(("Authorization", $"Bearer {key}"));

    public Task<Answer> Get(string path) => Send(HttpMethod.Get, path);

    public Task<Answer> Delete(string path) => Send(HttpMethod.Delete, path);

    /// <summary>Posts JSON (an object is serialized, a string is sent as it stands), any content, or nothing.</summary>
    public Task<Answer> Post(string path, object? body = null) => Send(HttpMethod.Post, path, Content(body));

    public Task<Answer> Put(string path, object? body = null) => Send(HttpMethod.Put, path, Content(body));

    public Task<Answer> Patch(string path, object? body = null) => Send(HttpMethod.Patch, path, Content(body));

    public Task<Answer> Send(HttpMethod method, string path, HttpContent? content = null) =>
        Send(new HttpRequestMessage(method, path) { Content = content });

    public async Task<Answer> Send(HttpRequestMessage request)
    {
        Sign(request);
        using var response = await http.SendAsync(request);
        Answered?.Invoke(request.Method.Method, request.RequestUri!.AbsolutePath, (int)response.StatusCode);
        return await Answer.From(response);
    }

    /// <summary>Opens the event stream; it is live when this returns.</summary>
    public Task<EventStream> Stream(string query = "", string? lastEventId = null) => Listen("/v1/status/stream" + query, lastEventId);

    /// <summary>Opens the stream of what wakes the calling agent, for so long.</summary>
    public Task<EventStream> Events(TimeSpan? length = null) =>
        Listen("/v1/events/stream?deadline="
            + Uri.EscapeDataString((DateTimeOffset.UtcNow + (length ?? TimeSpan.FromMinutes(1))).ToString("O")));

    /// <summary>Opens the stream of a hive.</summary>
    public Task<EventStream> Hive(string name, string? lastEventId = null) => Listen($"/api/v1/hives/{name}/stream", lastEventId);

    private async Task<EventStream> Listen(string path, string? lastEventId = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.ParseAdd("text/event-stream");
        if (lastEventId is not null)
            request.Headers.Add("Last-Event-ID", lastEventId);
        Sign(request);
        var response = await Open(request);
        if ((int)response.StatusCode != 200)
            throw new InvalidOperationException($"The stream was refused: {await Answer.From(response)}");
        return new EventStream(response, await response.Content.ReadAsStreamAsync());
    }

    /// <summary>Sends a request as it stands and returns with the answer's head; the caller disposes the answer.</summary>
    public Task<HttpResponseMessage> Open(HttpRequestMessage request) => http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);

    /// <summary>A request with this caller's credentials.</summary>
    public HttpRequestMessage Signed(HttpRequestMessage request)
    {
        Sign(request);
        return request;
    }

    public static HttpContent? Content(object? body) => body switch
    {
        null => null,
        HttpContent content => content,
        string text => new StringContent(text, Encoding.UTF8, "application/json"),
        _ => new StringContent(JsonSerializer.Serialize(body, Json), Encoding.UTF8, "application/json"),
    };

    /// <summary>A body that is not JSON, as upload-jsonl takes it.</summary>
    public static HttpContent Plain(string text) => new StringContent(text, Encoding.UTF8, "text/plain");

    /// <summary>Bytes under a content type of choice, or without one.</summary>
    public static HttpContent Raw(byte[] bytes, string? contentType = "application/json")
    {
        var content = new ByteArrayContent(bytes);
        if (contentType is not null)
            content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        return content;
    }

    private void Sign(HttpRequestMessage request)
    {
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
    }

    private static HttpClient Connect(Uri address) => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        Expect100ContinueTimeout = TimeSpan.FromSeconds(30),
        RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8,
    })
    {
        BaseAddress = address,
        Timeout = TimeSpan.FromSeconds(100),
    };
}
