using System.Text;
using System.Text.Json;
using System.Threading.Channels;

namespace Beadhub.Testing;

/// <summary>One event of the stream: its id (the feed position) and its JSON, and its name where it has one.</summary>
public sealed record StreamedEvent(string Id, JsonElement Data, string Name = "")
{
    public string Type => Data.Text("type");

    public long Position => long.Parse(Id);

    public override string ToString() => $"{Id}: {Data}";
}

/// <summary>A reader of server-sent events that also keeps the raw lines, comments included.</summary>
public sealed class EventStream : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Channel<StreamedEvent> events = Channel.CreateUnbounded<StreamedEvent>();
    private readonly Channel<string> comments = Channel.CreateUnbounded<string>();
    private readonly List<string> lines = [];
    private readonly CancellationTokenSource stop = new();
    private readonly Task reading;
    private bool disposed;

    internal EventStream(HttpResponseMessage response, Stream body)
    {
        Response = response;
        reading = Read(body);
    }

    public HttpResponseMessage Response { get; }

    /// <summary>The id of the last event that was taken.</summary>
    public string? LastId { get; private set; }

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
    public async Task<StreamedEvent> Next()
    {
        try
        {
            using var patience = new CancellationTokenSource(Patience);
            var next = await events.Reader.ReadAsync(patience.Token);
            LastId = next.Id;
            return next;
        }
        catch (Exception e) when (e is OperationCanceledException or ChannelClosedException)
        {
            throw new TimeoutException($"No further event. The stream so far:\n{string.Join('\n', Lines)}", e);
        }
    }

    /// <summary>All events up to and including the first that matches.</summary>
    public async Task<List<StreamedEvent>> Until(Func<StreamedEvent, bool> last)
    {
        var seen = new List<StreamedEvent>();
        do
        {
            seen.Add(await Next());
        }
        while (!last(seen[^1]));
        return seen;
    }

    /// <summary>The next comment line, such as a keep-alive.</summary>
    public async Task<string> Comment()
    {
        using var patience = new CancellationTokenSource(Patience);
        return await comments.Reader.ReadAsync(patience.Token);
    }

    /// <summary>Waits until the server has ended the stream.</summary>
    public Task Ended => reading.WaitAsync(Patience);

    /// <summary>The events that came and were not taken; to be called when the stream has ended.</summary>
    public IEnumerable<StreamedEvent> Rest() => Waiting();

    /// <summary>The events that have come so far and were not taken.</summary>
    public IEnumerable<StreamedEvent> Waiting()
    {
        while (events.Reader.TryRead(out var next))
        {
            LastId = next.Id;
            yield return next;
        }
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
            var (id, name, data) = ("", "", new StringBuilder());
            while (await reader.ReadLineAsync(stop.Token) is { } line)
            {
                lock (lines)
                    lines.Add(line);
                if (line.StartsWith(':'))
                {
                    comments.Writer.TryWrite(line);
                }
                else if (line.StartsWith("id: ", StringComparison.Ordinal))
                {
                    id = line[4..];
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
                    events.Writer.TryWrite(new StreamedEvent(id, JsonDocument.Parse(data.ToString()).RootElement, name));
                    name = "";
                    data.Clear();
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
