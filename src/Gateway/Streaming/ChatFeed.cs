using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Beadhub.Chat;
using Beadhub.Contacts;
using Beadhub.Feed;
using Beadhub.Gateway.Http;

namespace Beadhub.Gateway.Streaming;

/// <summary>
/// The newest frames of one session, rendered once for all its event streams on this node. The log is the truth: a stream that fell behind
/// what is kept here, or that follows a session whose events got lost on their way, reads the log itself.
/// </summary>
internal sealed class ChatFeed(IChatGrain session, IContactsGrain contacts, IChatPresence presence, string projectId, string sessionId,
    string projectSlug)
{
    /// <summary>Kind of the streams that are chat sessions.</summary>
    public const string Kind = "chat";

    private const int Kept = 64;
    private const int BytesKept = 256 * 1024;

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _filling = new(1, 1);
    private readonly ChatFrame?[] _frames = new ChatFrame?[Kept];
    private long _first = 1; // version of the oldest frame kept
    private long _last; // version of the newest event known
    private int _bytes;
    private TaskCompletionSource _news = New();

    /// <summary>Project of the session.</summary>
    public string ProjectId => projectId;

    /// <summary>The session.</summary>
    public string SessionId => sessionId;

    /// <summary>How many follow. The hub's own.</summary>
    public int Followers { get; set; }

    /// <summary>Completes when there is something newer than at the time of asking. Ask before reading.</summary>
    public Task News
    {
        get
        {
            lock (_lock) return _news.Task;
        }
    }

    /// <summary>Takes an event of the session.</summary>
    public async Task Receive(FeedEvent stored)
    {
        if (stored.Version <= Last) return;
        var frame = EventTypes.Parse(stored.Type, stored.Data) switch
        {
            ChatMessageSent message => Message(message, await Around()),
            ChatRead read => Receipt(read),
            _ => null,
        };
        Append(stored.Version, frame);
    }

    /// <summary>The session has this many events: what was not announced is read from the log, once for all streams.</summary>
    public async ValueTask Reach(long version)
    {
        if (version <= Last) return;
        await _filling.WaitAsync();
        try
        {
            // Nobody has read anything here yet, or so much is missing that each may read it at its own pace.
            if (Last is var last && (last == 0 || version - last > Kept)) Append(version, null, isHole: true);
            while (Last < version)
            {
                var page = await session.Events(Last);
                if (page.Version <= Last) return;
                var around = await Around();
                foreach (var e in page.Events)
                {
                    // What is neither message nor receipt leaves no frame, and no hole.
                    for (var silent = Last + 1; silent < e.Version; silent++) Append(silent, null);
                    Append(e.Version, Frame(e, around));
                }

                for (var silent = Last + 1; silent <= page.Version; silent++) Append(silent, null);
            }
        }
        finally
        {
            _filling.Release();
        }
    }

    /// <summary>Looks whether the log has more than was announced.</summary>
    public async ValueTask Check() => await Reach(await session.LastVersion());

    /// <summary>Frames after a version, and the version that the reader has then reached.</summary>
    public async ValueTask<(IReadOnlyList<ChatFrame> Frames, long Version)> Read(long after)
    {
        lock (_lock)
        {
            if (after >= _last) return ([], after);
            if (after + 1 >= _first)
            {
                var frames = new List<ChatFrame>();
                for (var version = after + 1; version <= _last; version++)
                    if (_frames[version % Kept] is { } frame) frames.Add(frame);
                return (frames, _last);
            }
        }

        return await ReadLog(after);
    }

    /// <summary>The same from the log, a page at a time.</summary>
    public async ValueTask<(IReadOnlyList<ChatFrame> Frames, long Version)> ReadLog(long after, Func<ChatMessageSent, bool>? shows = null)
    {
        var page = await session.Events(after);
        var around = await Around();
        var frames = new List<ChatFrame>(page.Events.Length);
        foreach (var e in page.Events)
        {
            if (shows is not null && (e.Message is not { } message || !shows(message))) continue;
            if (Frame(e, around) is { } frame) frames.Add(frame);
        }

        return (frames, page.Version);
    }

    /// <summary>Messages that are at hand, as frames.</summary>
    public async ValueTask<IReadOnlyList<ChatFrame>> Render(IReadOnlyCollection<ChatMessageSent> messages)
    {
        if (messages.Count == 0) return [];
        var around = await Around();
        return [.. messages.Select(message => Message(message, around))];
    }

    /// <summary>Version of the newest event known here.</summary>
    public long Last
    {
        get
        {
            lock (_lock) return _last;
        }
    }

    private ChatFrame? Frame(ChatEvent e, Surroundings around) =>
        e.Message is { } message ? Message(message, around) : e.Read is { } read ? Receipt(read) : null;

    private async ValueTask<Surroundings> Around() =>
        new((await presence.Waiting([IChatGrain.Key(projectId, sessionId)]))[0], await contacts.List());

    private void Append(long version, ChatFrame? frame, bool isHole = false)
    {
        TaskCompletionSource news;
        lock (_lock)
        {
            if (version <= _last) return;
            if (version != _last + 1 || isHole)
            {
                Array.Clear(_frames);
                _bytes = 0;
                _first = isHole ? version + 1 : version;
            }

            _last = version;
            if (!isHole)
            {
                if (version - _first >= Kept) Drop();
                _frames[version % Kept] = frame;
                _bytes += frame?.Bytes.Length ?? 0;
                while (_bytes > BytesKept && _first < _last) Drop();
            }

            news = _news;
            _news = New();
        }

        news.SetResult();
    }

    private void Drop()
    {
        _bytes -= _frames[_first % Kept]?.Bytes.Length ?? 0;
        _frames[_first % Kept] = null;
        _first++;
    }

    private ChatFrame Message(ChatMessageSent message, Surroundings around) => new(null, Render("message", message.Length, json =>
    {
        json.WriteString("type", "message");
        json.WriteString("session_id", sessionId);
        json.WriteString("message_id", message.MessageId);
        json.WriteString("from_agent", message.FromAlias);
        json.WriteString("from_address", Addresses.Of(projectSlug, message.FromAlias));
        json.WriteString("to_address", Addresses.Of(projectSlug, message.To.Select(to => to.Alias)));
        json.WriteString("body", message.Body);
        json.WriteBoolean("sender_leaving", message.IsLeaving);
        json.WriteBoolean("sender_waiting", around.Waiting.Contains(message.FromAgentId));
        json.WriteBoolean("hang_on", message.HangsOn);
        json.WriteNumber("extends_wait_seconds", message.HangsOn ? Chats.HangOnSeconds : 0);
        json.WriteString("timestamp", SecondsTime.Text(message.CreatedAt));
        json.WriteString("from_did", message.Signature?.FromDid);
        json.WriteString("to_did", message.Signature?.ToDid);
        json.WriteString("signature", message.Signature?.Signature);
        json.WriteString("signing_key_id", message.Signature?.SigningKeyId);
        json.WriteString("from_stable_id", message.Signature?.FromStableId);
        json.WriteString("to_stable_id", message.Signature?.ToStableId);
        if (message.Signature?.SignedPayload is { } payload) json.WriteString("signed_payload", payload);
        json.WriteBoolean("is_contact", around.Contacts.Knows(Addresses.Of(projectSlug, message.FromAlias)));
    }));

    private ChatFrame Receipt(ChatRead read) => new(read.AgentId, Render("read_receipt", 0, json =>
    {
        json.WriteString("type", "read_receipt");
        json.WriteString("session_id", sessionId);
        json.WriteString("reader_alias", read.Alias);
        json.WriteString("up_to_message_id", read.MessageId);
        json.WriteNumber("extends_wait_seconds", Chats.HangOnSeconds);
        json.WriteString("timestamp", SecondsTime.Text(read.At));
    }));

    private static byte[] Render(string name, int textLength, Action<Utf8JsonWriter> fields)
    {
        using var buffer = new MemoryStream(768 + textLength);
        buffer.Write(Encoding.ASCII.GetBytes($"event: {name}\ndata: "));
        using (var json = new Utf8JsonWriter(buffer, Wire.WriterOptions))
        {
            json.WriteStartObject();
            fields(json);
            json.WriteEndObject();
        }

        buffer.Write("\n\n"u8);
        return buffer.ToArray();
    }

    // What a message is shown with as it is when it is shown.
    private sealed record Surroundings(ImmutableHashSet<string> Waiting, ContactBook Contacts);

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>A ready frame of a chat stream.</summary>
/// <param name="ReaderId">Whose reading it tells of; they themselves do not get it. Null for a message.</param>
/// <param name="Bytes">What is sent.</param>
internal sealed record ChatFrame(string? ReaderId, byte[] Bytes);
