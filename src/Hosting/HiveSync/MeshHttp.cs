using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Beadhub.Gateway.HiveSync;
using Beadhub.Gateway.Http;
using Beadhub.HiveSync;

namespace Beadhub.Hosting.HiveSync;

/// <summary>What went wrong with a peer, in words for operators.</summary>
internal sealed class PeerException(string message, int? status = null, TimeSpan? retryAfter = null) : Exception(message)
{
    /// <summary>Status of its answer; null when there was none.</summary>
    public int? Status => status;

    /// <summary>How long it asks to be left alone.</summary>
    public TimeSpan? RetryAfter => retryAfter;
}

/// <summary>Calls peers: with an end to time and to what is read of an answer, whatever the peer does.</summary>
internal sealed class MeshHttp : IDisposable
{
    private const int MaxAnswer = 32 * 1024 * 1024;
    private const int MaxEvents = 1000;

    private static readonly TimeSpan HandshakeTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PullTime = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PushTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan HeartbeatTime = TimeSpan.FromSeconds(5);

    // Null for whoever is called because an administrator has said so.
    private static readonly HttpRequestOptionsKey<bool> MeshOnly = new("beadhub.mesh_only");

    private readonly MeshSettings _settings;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;

    public MeshHttp(MeshSettings settings, TimeProvider time)
    {
        (_settings, _time) = (settings, time);
        _http = new(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            ConnectTimeout = HeartbeatTime,
            ConnectCallback = Connect,
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
            MaxConnectionsPerServer = 8,
            MaxResponseHeadersLength = 16,
        }) { Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Shakes hands with a site.</summary>
    /// <returns>What it has answered, its instance id if it has told, and its proof if it has one.</returns>
    public async Task<(HandshakeReply Reply, string? Instance, HandshakeProof? Proof)> Handshake(
        MeshTarget target, HandshakeBody body, HandshakeProof proof, CancellationToken ended)
    {
        using var request = Request(HttpMethod.Post, target, "/handshake",
            JsonSerializer.SerializeToUtf8Bytes(body, Wire.Types.HandshakeBody));
        request.Headers.Add(ProofHeader.Name, ProofHeader.Write(proof));
        if (_settings.Secret is { } secret) request.Headers.Add("X-Handshake-Secret", secret);
        var (json, headers) = await Send(request, HandshakeTime, ended);
        var reply = Read(json, Wire.Types.HandshakeReply);
        if (string.IsNullOrEmpty(reply.SyncGroupId) || reply.SyncGroupId.Length > 200 || string.IsNullOrEmpty(reply.SigningKey)
            || string.IsNullOrEmpty(reply.SyncToken) || reply.SyncToken.Length > 512 || reply.CurrentSeq < 0)
            throw new PeerException("its answer to the handshake says not all");
        return (reply, Header(ProofHeader.Instance), ProofHeader.Read(Header(ProofHeader.Name)));

        string? Header(string name) => headers.TryGetValues(name, out var values) ? values.First() : null;
    }

    /// <summary>A page of a site's log: of all its events, or of those that no later ones have superseded.</summary>
    public async Task<(ImmutableArray<ReceivedMeshEvent> Events, long Next, bool HasMore)> Pull(
        MeshTarget target, string groupId, bool isSnapshot, long since, int limit, CancellationToken ended)
    {
        using var request = Request(HttpMethod.Get, target, string.Create(CultureInfo.InvariantCulture,
            $"/groups/{Uri.EscapeDataString(groupId)}/{(isSnapshot ? "snapshot" : "events")}?since={since}&limit={limit}"), null);
        var (json, _) = await Send(request, PullTime, ended);
        using (json)
        {
            var root = json.RootElement;
            if (root.ValueKind != JsonValueKind.Object
                || !root.TryGetProperty("events", out var list) || list.ValueKind != JsonValueKind.Array
                || !root.TryGetProperty("next_seq", out var nextSeq) || nextSeq.ValueKind != JsonValueKind.Number
                || !nextSeq.TryGetInt64(out var next)
                || !root.TryGetProperty("has_more", out var more) || more.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
                throw new PeerException("its page is none");
            if (list.GetArrayLength() > MaxEvents) throw new PeerException($"its page has more than {MaxEvents} events");
            var events = ImmutableArray.CreateBuilder<ReceivedMeshEvent>();
            foreach (var item in list.EnumerateArray())
            {
                if (item.ValueKind != JsonValueKind.Object) throw new PeerException("its page has something else than events");
                events.Add(new(Text(item, "event_type"), Text(item, "origin_instance_id"),
                    item.TryGetProperty("origin_ts", out var ts) && ts.ValueKind == JsonValueKind.Number && ts.TryGetInt64(out var at)
                        ? at : -1,
                    Text(item, "payload"), Text(item, "signature")));
            }

            var hasMore = more.GetBoolean();
            if (next < since || (next == since && (hasMore || events.Count > 0)))
                throw new PeerException($"its next_seq {next} does not lead on from {since}");
            return (events.ToImmutable(), next, hasMore);
        }

        static string Text(JsonElement item, string name)
        {
            try
            {
                return item.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
            }
            catch (InvalidOperationException)
            {
                return ""; // no text that could have been signed
            }
        }
    }

    /// <summary>Pushes events.</summary>
    public async Task Push(MeshTarget target, string groupId, byte[] body, long since, CancellationToken ended)
    {
        using var request = Request(HttpMethod.Post, target, $"/groups/{Uri.EscapeDataString(groupId)}/events", body);
        request.Headers.Add(ProofHeader.Since, since.ToString(CultureInfo.InvariantCulture));
        var (json, _) = await Send(request, PushTime, ended);
        using (json)
        {
            if (json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.TryGetProperty("received_seq", out _))
                throw new PeerException("its answer to a push is none");
        }
    }

    /// <summary>Sends a heartbeat.</summary>
    public async Task<HeartbeatAnswer> Heartbeat(MeshTarget target, HeartbeatBody body, CancellationToken ended)
    {
        using var request = Request(HttpMethod.Post, target, "/heartbeat",
            JsonSerializer.SerializeToUtf8Bytes(body, Wire.Types.HeartbeatBody));
        var (json, _) = await Send(request, HeartbeatTime, ended);
        using (json)
        {
            var root = json.RootElement;
            if (root.ValueKind != JsonValueKind.Object
                || !root.TryGetProperty("instance_id", out var id) || id.ValueKind != JsonValueKind.String
                || id.GetString() is not { Length: > 0 and <= 128 } instance)
                throw new PeerException("its heartbeat does not say who it is");
            var seqs = new Dictionary<string, long>(StringComparer.Ordinal);
            if (root.TryGetProperty("seq_by_hive", out var list) && list.ValueKind == JsonValueKind.Object)
                foreach (var seq in list.EnumerateObject().Take(1000))
                    if (seq.Value.ValueKind == JsonValueKind.Number && seq.Value.TryGetInt64(out var number)) seqs[seq.Name] = number;
            return new(instance, seqs, root.TryGetProperty("known_peers", out var told) ? told.Clone() : null);
        }
    }

    /// <summary>Asks a peer's public API, without a token: <c>/api/v1</c> beside its <c>/sync/v1</c>.</summary>
    /// <returns>The answer; null when the peer has none to that.</returns>
    public async Task<JsonDocument?> Public(MeshTarget target, string path, CancellationToken ended)
    {
        const string Sync = "/sync/v1";
        if (!target.Endpoint.EndsWith(Sync, StringComparison.Ordinal)) return null;
        using var request = Request(HttpMethod.Get, target with { Endpoint = target.Endpoint[..^Sync.Length], Token = null },
            $"/api/v1{path}", null);
        try
        {
            return (await Send(request, HandshakeTime, ended)).Json;
        }
        catch (PeerException e) when (e.Status is >= 400 and < 500 and not StatusCodes.Status429TooManyRequests)
        {
            return null;
        }
    }

    public void Dispose() => _http.Dispose();

    private static HttpRequestMessage Request(HttpMethod method, MeshTarget target, string path, byte[]? body)
    {
        var request = new HttpRequestMessage(method, target.Endpoint + path);
        request.Options.Set(MeshOnly, !target.IsTrusted);
        if (target.Token is { } token) request.Headers.Authorization = new("Bearer", token);
        request.Headers.Add("User-Agent", "Beadhub-Mesh/1");
        if (body is null) return request;
        request.Content = new ByteArrayContent(body);
        request.Content.Headers.ContentType = new("application/json");
        return request;
    }

    private async Task<(JsonDocument Json, HttpResponseHeaders Headers)> Send(HttpRequestMessage request, TimeSpan limit,
        CancellationToken ended)
    {
        using var patience = new CancellationTokenSource(limit, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ended, patience.Token);
        try
        {
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            if (!response.IsSuccessStatusCode)
            {
                var wait = response.Headers.RetryAfter?.Delta;
                throw new PeerException(
                    $"it answers {(int)response.StatusCode} to {request.Method} {request.RequestUri!.AbsolutePath}"
                    + await Why(response.Content, either.Token), (int)response.StatusCode, wait);
            }

            if (response.Content.Headers.ContentLength > MaxAnswer) throw new PeerException("its answer is too large");
            using var stream = await response.Content.ReadAsStreamAsync(either.Token);
            using var body = new MemoryStream();
            var buffer = new byte[64 * 1024];
            while (await stream.ReadAsync(buffer, either.Token) is > 0 and var count)
            {
                body.Write(buffer, 0, count);
                if (body.Length > MaxAnswer) throw new PeerException("its answer is too large");
            }

            return (JsonDocument.Parse(body.ToArray()), response.Headers);
        }
        catch (OperationCanceledException) when (!ended.IsCancellationRequested)
        {
            throw new PeerException($"it does not answer within {limit.TotalSeconds} s");
        }
        catch (HttpRequestException e)
        {
            throw new PeerException($"it cannot be reached: {e.Message}");
        }
        catch (IOException e)
        {
            throw new PeerException($"its answer breaks off: {e.Message}");
        }
        catch (JsonException)
        {
            throw new PeerException("its answer is no JSON");
        }
    }

    /// <summary>The sentence of a refusal, as much of it as an operator needs.</summary>
    private static async Task<string> Why(HttpContent content, CancellationToken ended)
    {
        const int Most = 2048;
        using var stream = await content.ReadAsStreamAsync(ended);
        var buffer = new byte[Most];
        var length = await stream.ReadAtLeastAsync(buffer, Most, throwOnEndOfStream: false, ended);
        try
        {
            using var json = JsonDocument.Parse(buffer.AsMemory(0, length));
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("message", out var message)
                && message.ValueKind == JsonValueKind.String ? $": {message.GetString()}" : "";
        }
        catch (JsonException)
        {
            return "";
        }
    }

    private static T Read<T>(JsonDocument json, JsonTypeInfo<T> type)
    {
        using (json)
        {
            try
            {
                return json.Deserialize(type) ?? throw new PeerException("its answer is empty");
            }
            catch (JsonException)
            {
                throw new PeerException("its answer has another form");
            }
        }
    }

    // What was checked is what is connected to.
    private async ValueTask<Stream> Connect(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var host = context.DnsEndPoint.Host;
        var addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host, cancellation);
        if (context.InitialRequestMessage.Options.TryGetValue(MeshOnly, out var meshOnly) && meshOnly
            && !Array.TrueForAll(addresses, _settings.Allows))
            throw new HttpRequestException("its address is none of the mesh's networks");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, context.DnsEndPoint.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>A site to be called.</summary>
/// <param name="Endpoint">Where.</param>
/// <param name="Token">What is shown; null for the handshake.</param>
/// <param name="IsTrusted">Whether an administrator has named the address; otherwise it must be one of the mesh's networks.</param>
internal sealed record MeshTarget(string Endpoint, string? Token, bool IsTrusted);

/// <summary>Answer to a heartbeat.</summary>
internal sealed record HeartbeatAnswer(string InstanceId, IReadOnlyDictionary<string, long> Seqs, JsonElement? Told);
