using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Beadhub.Commands;

/// <summary>The server as a client sees it: requests with the caller's key, answers as JSON.</summary>
internal sealed class Hub : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60), Pause = TimeSpan.FromSeconds(1);

    private readonly HttpClient _http;

    /// <param name="url">Address of the server; it may have a path, under which all of the API is.</param>
    /// <param name="key">API key; null for requests that need none.</param>
    /// <exception cref="CommandException">The address is none.</exception>
    public Hub(string url, string? key)
    {
        Url = url.TrimEnd('/');
        // The slash makes the whole path the folder to which relative paths are added.
        if (!Uri.TryCreate(Url + "/", UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            throw new CommandException($"{url} is not the address of a server", ExitCode.Usage);
        _http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = !address.IsLoopback })
        {
            BaseAddress = address,
            Timeout = Timeout.InfiniteTimeSpan,
        };
        if (key is { Length: > 0 }) _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    /// <summary>Address of the server, without a slash at the end.</summary>
    public string Url { get; }

    public Task<JsonElement> Get(string path, CancellationToken cancellation) => Ask(HttpMethod.Get, path, null, cancellation);

    public Task<JsonElement> Post(string path, JsonObject? body, CancellationToken cancellation) =>
        Ask(HttpMethod.Post, path, body, cancellation);

    /// <summary>Sends a request; answers with what the server says.</summary>
    /// <param name="method">Method.</param>
    /// <param name="path">Path without a slash at its beginning.</param>
    /// <param name="body">Body; null for none.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="HubException">The server refuses.</exception>
    /// <exception cref="CommandException">It cannot be reached, or is no Beadhub.</exception>
    public async Task<JsonElement> Ask(HttpMethod method, string path, JsonObject? body, CancellationToken cancellation)
    {
        var text = await AskText(method, path,
            body is null ? null : new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"), cancellation);
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            throw new CommandException($"{Url} is no Beadhub that this program understands");
        }
    }

    /// <summary>The same for what is no JSON.</summary>
    /// <inheritdoc cref="Ask"/>
    public async Task<string> AskText(HttpMethod method, string path, HttpContent? content, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        try
        {
            using var request = new HttpRequestMessage(method, path) { Content = content };
            using var response = await _http.SendAsync(request, patience.Token);
            var text = await response.Content.ReadAsStringAsync(patience.Token);
            return response.IsSuccessStatusCode ? text : throw new HubException(Url, response.StatusCode, text);
        }
        catch (HttpRequestException e)
        {
            throw Unreachable(e);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new CommandException($"{Url} does not answer", ExitCode.Unreachable);
        }
    }

    /// <summary>A stream of server-sent events until it ends, which every stream does some time.</summary>
    public async IAsyncEnumerable<ServerEvent> Events(string path, string? after,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.Add(new("text/event-stream"));
        if (after is not null) request.Headers.Add("Last-Event-ID", after);
        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        }
        catch (HttpRequestException e)
        {
            throw Unreachable(e);
        }

        using (response)
        {
            if (!response.IsSuccessStatusCode)
                throw new HubException(Url, response.StatusCode, await response.Content.ReadAsStringAsync(cancellation));
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellation));
            string? id = null, type = null;
            var data = new StringBuilder();
            while (await NextLine(reader, cancellation) is { } line)
            {
                if (line.Length == 0)
                {
                    if (data.Length > 0) yield return new(id, type ?? "message", data.ToString());
                    type = null;
                    data.Clear();
                }
                else if (Value(line, "id") is { } said) id = said;
                else if (Value(line, "event") is { } name) type = name;
                else if (Value(line, "data") is { } part) data.Append(data.Length > 0 ? "\n" : "").Append(part);
            }
        }
    }

    /// <summary>Waits for the next event of a stream, or a while; answers the id of the last event that was seen.</summary>
    public async Task<string?> Next(string path, string? last, TimeSpan longest, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(longest);
        try
        {
            await foreach (var next in Events(path, last, limit.Token)) return next.Id ?? last;
            await Task.Delay(Pause, limit.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // Nothing happened.
        }

        return last;
    }

    public void Dispose() => _http.Dispose();

    // A connection that breaks is the end of a stream like any other: the reader comes again.
    private static async Task<string?> NextLine(StreamReader reader, CancellationToken cancellation)
    {
        try
        {
            return await reader.ReadLineAsync(cancellation);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            return null;
        }
    }

    private static string? Value(string line, string field) =>
        !line.StartsWith(field, StringComparison.Ordinal) || line.Length <= field.Length || line[field.Length] != ':' ? null
        : line[(field.Length + 1)..].TrimStart(' ');

    private CommandException Unreachable(HttpRequestException e) =>
        new($"{Url} cannot be reached: {(e.InnerException ?? e).Message}", ExitCode.Unreachable);
}

/// <summary>One server-sent event.</summary>
internal sealed record ServerEvent(string? Id, string Type, string Data);

/// <summary>The server answers with an error; the message is what it says.</summary>
internal sealed class HubException(string url, HttpStatusCode status, string body) : Exception(Say(url, status, body))
{
    public HttpStatusCode Status => status;

    /// <summary>The answer's body.</summary>
    public string Body => body;

    public int ExitCode => status switch
    {
        HttpStatusCode.NotFound => Commands.ExitCode.Nothing,
        HttpStatusCode.Conflict => Commands.ExitCode.Taken,
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.Gone => Commands.ExitCode.Refused,
        HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout => Commands.ExitCode.Unreachable,
        _ => Commands.ExitCode.Failed,
    };

    private static string Say(string url, HttpStatusCode status, string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var detail = document.RootElement.GetProperty("detail");
            // What every server says of a path that it does not have; of a thing that is not there they say which.
            if (status == HttpStatusCode.NotFound && detail.ValueEquals("Not Found"))
                return $"{url} does not know this request: it may be of an older version";
            return detail.ValueKind switch
            {
                JsonValueKind.String => detail.GetString()!,
                JsonValueKind.Object => detail.TryGetProperty("message", out var message) ? message.ToString() : detail.ToString(),
                _ => string.Join("; ", detail.EnumerateArray().Select(static error =>
                    $"{error.GetProperty("loc").EnumerateArray().Last()}: {error.GetProperty("msg").GetString()}")),
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return $"{url} answered {(int)status}";
        }
    }
}
