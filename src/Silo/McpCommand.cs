using System.CommandLine;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Beadhub.Commands;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Beadhub.Silo;

/// <summary>
/// <c>beadhub mcp</c>: the Model Context Protocol on standard input and output, for editors that start their tools. Every message goes to a
/// server's <c>/mcp</c> with the key; nothing is decided here.
/// </summary>
internal static class McpCommand
{
    private const int MaxAtOnce = 16;
    private const int Unreachable = -32000;
    private static readonly JsonTypeInfo<JsonRpcMessage> Json = (JsonTypeInfo<JsonRpcMessage>)McpJsonUtilities.DefaultOptions
        .GetTypeInfo(typeof(JsonRpcMessage));
    private static readonly Option<string?> Folder =
        new("--folder") { Description = "The workspace's folder, whose .beadhub says which server and key; the current one unless given" };

    public static Command Create()
    {
        var command = new Command("mcp",
            "Speak the Model Context Protocol on standard input and output, for editors, with a running server behind.")
            { ClientCommand.Url, ClientCommand.Key, Folder };
        command.SetAction((parsed, cancellation) =>
        {
            var to = Connection.Find(parsed.GetValue(ClientCommand.Url), parsed.GetValue(ClientCommand.Key),
                parsed.GetValue(Folder) ?? Environment.CurrentDirectory, Environment.GetEnvironmentVariable);
            return Run(to.Url, to.Key, cancellation);
        });
        return command;
    }

    /// <summary>0 when the editor has closed standard input; 1 when it cannot begin, with the reason on standard error.</summary>
    private static async Task<int> Run(string url, string? key, CancellationToken cancellation)
    {
        if (!Uri.TryCreate(url.TrimEnd('/') + "/mcp", UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https")
            || string.IsNullOrWhiteSpace(key))
        {
            Console.Error.WriteLine(string.IsNullOrWhiteSpace(key)
                ? "beadhub: there is no API key: run 'beadhub init' in the folder, or give --key or BEADHUB_API_KEY"
                : $"beadhub: {url} is not the address of a server");
            return 1;
        }

        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(100) };
        http.DefaultRequestHeaders.Authorization = new("Bearer", key);
        await using var editor = new StdioServerTransport("beadhub");
        using var slots = new SemaphoreSlim(MaxAtOnce);
        await foreach (var message in editor.MessageReader.ReadAllAsync(cancellation))
        {
            await slots.WaitAsync(cancellation);
            _ = Pass(message);
        }

        // What the editor asked last is still answered.
        for (var i = 0; i < MaxAtOnce; i++) await slots.WaitAsync(cancellation);
        return 0;

        async Task Pass(JsonRpcMessage message)
        {
            try
            {
                if (await Ask(http, address, message, cancellation) is { } answer) await editor.SendMessageAsync(answer, cancellation);
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or InvalidOperationException)
            {
                // The editor is gone.
            }
            finally
            {
                slots.Release();
            }
        }
    }

    /// <summary>The server's answer; what is wrong on the way becomes one. Null for what is not answered.</summary>
    private static async Task<JsonRpcMessage?> Ask(HttpClient http, Uri address, JsonRpcMessage message, CancellationToken cancellation)
    {
        try
        {
            using var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(message, Json));
            content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var response = await http.PostAsync(address, content, cancellation);
            if (message is not JsonRpcMessageWithId { Id: var id }) return null;
            var text = await response.Content.ReadAsStringAsync(cancellation);
            return response.IsSuccessStatusCode && text.Length > 0
                ? JsonSerializer.Deserialize(text, Json)
                : Failure(id, (int)response.StatusCode, $"The server answered {(int)response.StatusCode}: {text}");
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException or JsonException
            && !cancellation.IsCancellationRequested)
        {
            return message is JsonRpcMessageWithId { Id: var id }
                ? Failure(id, Unreachable, $"No answer from {address}: {e.Message}") : null;
        }
    }

    private static JsonRpcError Failure(RequestId id, int code, string text) =>
        new() { Id = id, Error = new() { Code = code, Message = text } };
}
