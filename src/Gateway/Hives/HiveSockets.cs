using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text.Json;
using System.Threading.Channels;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Gateway.Streaming;
using Beadhub.Hives;

namespace Beadhub.Gateway.Hives;

/// <summary>
/// <c>GET /ws</c>: what happens in hives and under posts, as OpenHive's clients read it. Nothing is replayed; who must miss nothing follows
/// <see cref="HiveStream"/>.
/// </summary>
internal sealed class HiveSockets(Identification identification, HiveCallers callers, FeedHub hub, GatewaySettings settings,
    TimeProvider time, IHostApplicationLifetime lifetime)
{
    private readonly ConcurrentDictionary<string, int> _open = new(StringComparer.Ordinal);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var sockets = routes.ServiceProvider.GetRequiredService<HiveSockets>();
        routes.MapGet("/ws", sockets.Serve).Needs(Caller.Nobody).ExcludeFromDescription();
    }

    private async Task Serve(HttpContext http)
    {
        if (!http.WebSockets.IsWebSocketRequest)
            throw new ApiException(StatusCodes.Status400BadRequest, "A WebSocket is wanted here");
        Actor? actor = null;
        if (http.Request.Query["token"].ToString() is { Length: > 0 } token)
        {
            http.Request.Headers.Authorization = BearerKeys.Scheme + token;
            actor = await identification.ActorOf(http);
        }
        else if (Identification.HasCredentials(http))
        {
            actor = await identification.ActorOf(http);
        }

        var who = actor?.Id ?? http.Connection.RemoteIpAddress?.ToString() ?? "";
        if (_open.AddOrUpdate(who, 1, static (_, count) => count + 1) > settings.StreamsPerAgent)
        {
            Leave(who);
            throw new ApiException(StatusCodes.Status429TooManyRequests, "Too many open sockets") { RetryAfter = 10 };
        }

        try
        {
            using var socket = await http.WebSockets.AcceptWebSocketAsync();
            await using var connection = new Connection(socket, actor, callers, hub, identification, http, time);
            await connection.Run(lifetime.ApplicationStopping);
        }
        finally
        {
            Leave(who);
        }
    }

    private void Leave(string who)
    {
        if (_open.AddOrUpdate(who, 0, static (_, count) => count - 1) == 0) _open.TryRemove(new(who, 0));
    }

    /// <summary>One client: what it watches, and what is on its way to it.</summary>
    private sealed class Connection(WebSocket socket, Actor? actor, HiveCallers callers, FeedHub hub, Identification identification,
        HttpContext http, TimeProvider time) : IAsyncDisposable
    {
        private const int MostChannels = 100;
        private const int MostHives = 20;
        private const int MostWaiting = 256;
        private const int MostBytes = 16 * 1024;
        private const int PageSize = 100;

        private static readonly TimeSpan PingEvery = TimeSpan.FromSeconds(30);
        private static readonly TimeSpan Silence = TimeSpan.FromSeconds(60);

        private readonly Channel<byte[]> _frames = Channel.CreateBounded<byte[]>(MostWaiting);
        private readonly ConcurrentDictionary<string, string> _channels = new(StringComparer.Ordinal); // with the hive of each
        private readonly Dictionary<string, Watched> _hives = new(StringComparer.Ordinal);
        private readonly CancellationTokenSource _ended = new();
        private DateTimeOffset _heard = time.GetUtcNow();

        private sealed record Watched(CancellationTokenSource Ends, Task Done);

        private string? AgentId => actor?.Id;

        public async Task Run(CancellationToken stopping)
        {
            using var ends = stopping.Register(_ended.Cancel);
            Send("agent_online", null, json =>
            {
                json.WriteBoolean("authenticated", actor is not null);
                if (actor is null) return;
                json.WriteString("agent_id", actor.Id);
                json.WriteString("agent_name", HiveCallers.NameOf(actor));
            });
            var all = new[] { Write(), Ping(), Read() };
            await Task.WhenAny(all);
            await _ended.CancelAsync();
            await Task.WhenAll(all).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        public async ValueTask DisposeAsync()
        {
            await _ended.CancelAsync();
            foreach (var hive in _hives.Values) await hive.Done.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            foreach (var hive in _hives.Values) hive.Ends.Dispose();
            _ended.Dispose();
        }

        private async Task Write()
        {
            await foreach (var frame in _frames.Reader.ReadAllAsync(_ended.Token))
                await socket.SendAsync(frame, WebSocketMessageType.Text, true, _ended.Token);
        }

        private async Task Ping()
        {
            using var timer = new PeriodicTimer(PingEvery, time);
            while (await timer.WaitForNextTickAsync(_ended.Token))
            {
                if (time.GetUtcNow() - _heard > Silence || !await MayStillRead()) return;
                Send("agent_online", null, static json => json.WriteBoolean("ping", true));
            }
        }

        private async Task<bool> MayStillRead()
        {
            if (actor is null) return true;
            try
            {
                await identification.ActorOf(http);
                return true;
            }
            catch (ApiException)
            {
                return false;
            }
        }

        private async Task Read()
        {
            var buffer = new byte[MostBytes];
            while (true)
            {
                var length = 0;
                ValueWebSocketReceiveResult received;
                do
                {
                    received = await socket.ReceiveAsync(buffer.AsMemory(length), _ended.Token);
                    length += received.Count;
                    if (received.MessageType == WebSocketMessageType.Close)
                    {
                        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, _ended.Token);
                        return;
                    }
                }
                while (!received.EndOfMessage && length < buffer.Length);

                if (!received.EndOfMessage)
                {
                    await socket.CloseOutputAsync(WebSocketCloseStatus.MessageTooBig, null, _ended.Token);
                    return;
                }

                await Take(buffer.AsMemory(0, length));
            }
        }

        private async Task Take(ReadOnlyMemory<byte> message)
        {
            try
            {
                using var json = JsonDocument.Parse(message);
                var root = json.RootElement;
                switch (root.GetProperty("type").GetString())
                {
                    case "ping":
                        _heard = time.GetUtcNow();
                        Send("agent_online", null, static json => json.WriteBoolean("pong", true));
                        return;
                    case "subscribe":
                        await Subscribe(Channels(root));
                        return;
                    case "unsubscribe":
                        Unsubscribe(Channels(root));
                        return;
                }
            }
            catch (Exception bad) when (bad is JsonException or KeyNotFoundException or InvalidOperationException)
            {
                // Told below.
            }

            Send("agent_offline", null, static json => json.WriteString("error", "Invalid message format"));
        }

        private static List<string> Channels(JsonElement root) =>
            [.. root.GetProperty("channels").EnumerateArray().Take(MostChannels).Select(channel => channel.GetString() ?? "")];

        private async Task Subscribe(List<string> channels)
        {
            var (taken, denied) = (new List<string>(), new List<string>());
            foreach (var channel in channels)
            {
                if (_channels.ContainsKey(channel))
                {
                    taken.Add(channel);
                    continue;
                }

                var hive = _channels.Count < MostChannels ? await HiveOrNone(channel) : null;
                if (hive is null || !await Watch(hive)) denied.Add(channel);
                else if (_channels.TryAdd(channel, hive.Name)) taken.Add(channel);
            }

            Send("agent_online", null, json =>
            {
                Write(json, "subscribed", taken);
                if (denied.Count > 0) Write(json, "denied", denied);
                Write(json, "current_channels", _channels.Keys);
            });
        }

        private void Unsubscribe(List<string> channels)
        {
            var gone = channels.Where(channel => _channels.TryRemove(channel, out _)).ToList();
            foreach (var name in _hives.Keys.Except(_channels.Values).ToList())
            {
                _hives.Remove(name, out var hive);
                hive!.Ends.Cancel();
            }

            Send("agent_online", null, json =>
            {
                Write(json, "unsubscribed", gone);
                Write(json, "current_channels", _channels.Keys);
            });
        }

        private async Task<HiveView?> HiveOrNone(string channel)
        {
            try
            {
                return await HiveOf(channel);
            }
            catch (RefusedException)
            {
                // It has ended, or the client was put out, just now.
                return null;
            }
        }

        /// <summary>The hive that a channel is about, when the client may see it.</summary>
        private async Task<HiveView?> HiveOf(string channel)
        {
            if (channel.StartsWith("hive:", StringComparison.Ordinal) && HiveFields.IsHiveName(channel[5..]))
                return await callers.Hive(channel[5..]).Find(AgentId);
            if (!channel.StartsWith("post:", StringComparison.Ordinal)
                || await callers.HiveOf(channel[5..], true) is not { } hive
                || await callers.Hive(hive).Find(AgentId) is not { } view) return null;
            return (await callers.Hive(hive).Posts(AgentId, [channel[5..]])).Posts.IsEmpty ? null : view;
        }

        private async Task<bool> Watch(HiveView hive)
        {
            // One that has ended, because the client was put out, begins anew when it is let in again.
            if (_hives.TryGetValue(hive.Name, out var watched) && !watched.Done.IsCompleted) return true;
            if (_hives.Count >= MostHives) return false;
            var feed = await hub.Watch(hive.GroupId);
            var ends = CancellationTokenSource.CreateLinkedTokenSource(_ended.Token);
            _hives[hive.Name] = new(ends, Follow(hive, feed, feed.Last, ends.Token));
            return true;
        }

        private async Task Follow(HiveView hive, ProjectFeed feed, long position, CancellationToken ended)
        {
            try
            {
                while (true)
                {
                    var news = feed.News;
                    while (position < feed.Last)
                    {
                        var page = await callers.Hive(hive.Name).Changes(AgentId, position, PageSize);
                        if (page.Reached <= position) break;
                        position = page.Reached;
                        foreach (var change in page.Changes) await Show(hive.Name, change);
                    }

                    await news.WaitAsync(ended);
                }
            }
            catch (RefusedException)
            {
                // No member any more, or the hive has ended.
                foreach (var channel in _channels)
                    if (channel.Value == hive.Name) _channels.TryRemove(channel);
            }
            finally
            {
                await hub.Leave(hive.GroupId);
            }
        }

        private async Task Show(string hive, HiveChanged change)
        {
            var (ofHive, ofPost) = ($"hive:{hive}", $"post:{change.PostId}");
            switch (change.Type)
            {
                case HiveEventTypes.PostCreated when _channels.ContainsKey(ofHive):
                    if ((await callers.Hive(hive).Posts(AgentId, [change.PostId!])).Posts is not [var post]) return;
                    Send("new_post", ofHive, JsonSerializer.SerializeToElement(PostAnswer.Of(post), HiveWire.Types.PostAnswer));
                    break;
                case HiveEventTypes.CommentCreated when _channels.ContainsKey(ofPost):
                    if (await callers.Hive(hive).Comment(AgentId, change.CommentId!) is not { } comment) return;
                    Send("new_comment", ofPost, JsonSerializer.SerializeToElement(CommentAnswer.Of(comment), HiveWire.Types.CommentAnswer));
                    break;
                case HiveEventTypes.PostDeleted when _channels.ContainsKey(ofHive):
                    Send("post_deleted", ofHive, json => json.WriteString("id", change.PostId));
                    break;
                case HiveEventTypes.CommentDeleted when _channels.ContainsKey(ofPost):
                    Send("comment_deleted", ofPost, json => json.WriteString("id", change.CommentId));
                    break;
                case HiveEventTypes.VoteCast when _channels.ContainsKey(change.CommentId is null ? ofHive : ofPost):
                    Send("vote_update", change.CommentId is null ? ofHive : ofPost, json =>
                    {
                        json.WriteString("target_type", change.CommentId is null ? "post" : "comment");
                        json.WriteString("target_id", change.CommentId ?? change.PostId);
                        json.WriteNumber("score", change.Score);
                        json.WriteNumber("delta", change.Delta);
                    });
                    break;
            }
        }

        private static void Write(Utf8JsonWriter json, string name, IEnumerable<string> channels)
        {
            json.WriteStartArray(name);
            foreach (var channel in channels) json.WriteStringValue(channel);
            json.WriteEndArray();
        }

        private void Send(string type, string? channel, JsonElement data) => Send(type, channel, json =>
        {
            foreach (var field in data.EnumerateObject()) field.WriteTo(json);
        });

        private void Send(string type, string? channel, Action<Utf8JsonWriter> data)
        {
            using var buffer = new MemoryStream();
            using (var json = new Utf8JsonWriter(buffer, Wire.WriterOptions))
            {
                json.WriteStartObject();
                json.WriteString("type", type);
                json.WriteStartObject("data");
                data(json);
                json.WriteEndObject();
                if (channel is not null) json.WriteString("channel", channel);
                json.WriteString("timestamp", time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'"));
                json.WriteEndObject();
            }

            // Who does not read is cut off: nothing is kept for it.
            if (!_frames.Writer.TryWrite(buffer.ToArray())) _ended.Cancel();
        }
    }
}
