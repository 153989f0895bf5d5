using System.Text.Json;

namespace Beadhub.Testing;

/// <summary>One named event of a chat stream.</summary>
public sealed record ChatEvent(string Name, JsonElement Data)
{
    public override string ToString() => $"{Name}: {Data}";
}

/// <summary>A reader of a chat session's event stream.</summary>
public sealed class ChatListener : IAsyncDisposable
{
    private readonly EventStream events;

    internal ChatListener(HttpResponseMessage response, Stream body) => events = new(response, body);

    public HttpResponseMessage Response => events.Response;

    /// <summary>Everything that came over the wire so far, line by line.</summary>
    public string[] Lines => events.Lines;

    /// <summary>Waits until the stream has ended.</summary>
    public Task Ended => events.Ended;

    /// <summary>The next event; no event within half a minute is an exception.</summary>
    public async Task<ChatEvent> Next() => Named(await events.Next());

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
    public Task<string> Comment() => events.Comment();

    /// <summary>The events that came and were not taken; to be called when the stream has ended.</summary>
    public IEnumerable<ChatEvent> Rest() => events.Rest().Select(Named);

    public ValueTask DisposeAsync() => events.DisposeAsync();

    private static ChatEvent Named(StreamedEvent e) => new(e.Name, e.Data);
}
