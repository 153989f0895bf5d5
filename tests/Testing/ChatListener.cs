using System.Text;
using System.Text.Json;
using System.Threading.Channels;

namespace Beadhub.Testing;

/// <summary>One named event of a chat stream.</summary>
public sealed record ChatEvent(string Name, JsonElement Data)
{
    public override string ToString() => $"{Name}: {Data}";
}

/// <summary>A reader of a chat session's event stream that also keeps the raw lines, comments included.</summary>
public sealed class ChatListener : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Channel<ChatEvent> events = Channel.CreateUnbounded<ChatEvent>();
    private readonly Channel<string> comments = Channel.CreateUnbounded<string>();
    private readonly List<string> lines = [];
    private readonly CancellationTokenSource stop = new();
    private readonly Task reading;
    private bool disposed;

    internal ChatListener(HttpResponseMessage response, Stream body)
    {
        Response = response;
        reading = Read(body);
    }

    public HttpResponseMessage Response { get; }

    /// <summary>Everything that came over the wire so far, line by line.</summary>
    public string[] Lines
    {
        get
        {
            lock (lines)
                return [.. lines];
        }
    }

    /// <summary>The next event; no event within half a minute is an exception.</summary>
    public async Task<ChatEvent> Next()
    {
        try
        {
            using var patience = new CancellationTokenSource(Patience);
            return await events.Reader.ReadAsync(patience.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or ChannelClosedException)
        {
            throw new TimeoutException($"No further event. The stream so far:\n{string.Join('\n', Lines)}", e);
        }
    }

    /// <summary>The next event, which is a message.</summary>
    public async Task<JsonElement> Message()
    {
        var next = await Next();
        return next.Name == "message" ? next.Data : throw new InvalidOperationException($"Not a message: {next}");
    }

    /// <summary>Texts of the next messages.</summary>
    public async Task<string[]> Bodies(int count)
    {
        var bodies = new string[count];
        for (var i = 0; i < count; i++)
            bodies[i] = (await Message()).Text("body");
        return bodies;
    }

    /// <summary>The next comment line, such as a keep-alive.</summary>
    public async Task<string> Comment()
    {
        using var patience = new CancellationTokenSource(Patience);
        return await comments.Reader.ReadAsync(patience.Token);
    }

    /// <summary>Waits until the stream has ended.</summary>
    public Task Ended => reading.WaitAsync(Patience);

    /// <summary>The events that came and were not taken; to be called when the stream has ended.</summary>
    public IEnumerable<ChatEvent> Rest()
    {
        while (events.Reader.TryRead(out var next))
            yield return next;
    }

    public async ValueTask DisposeAsync()
    {
        if (disposed)
            return;
        disposed = true;
        await stop.CancelAsync();
        Response.Dispose();
        await reading;
        stop.Dispose();
    }

    private async Task Read(Stream body)
    {
        try
        {
            using var reader = new StreamReader(body, Encoding.UTF8);
            var (name, data) = ("", new StringBuilder());
            while (await reader.ReadLineAsync(stop.Token) is { } line)
            {
                lock (lines)
                    lines.Add(line);
                if (line.StartsWith(':'))
                {
                    comments.Writer.TryWrite(line);
                }
                else if (line.StartsWith("event: ", StringComparison.Ordinal))
                {
                    name = line[7..];
                }
                else if (line.StartsWith("data: ", StringComparison.Ordinal))
                {
                    data.Append(line.AsSpan(6));
                }
                else if (line.Length == 0 && data.Length > 0)
                {
                    events.Writer.TryWrite(new ChatEvent(name, JsonDocument.Parse(data.ToString()).RootElement));
                    (name, data) = ("", new StringBuilder());
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or HttpRequestException or ObjectDisposedException)
        {
            // The connection ended: by us, or by a server that was killed.
        }
        finally
        {
            events.Writer.TryComplete();
            comments.Writer.TryComplete();
        }
    }
}
