using System.CommandLine;
using Beadhub.Commands;
using ModelContextProtocol.Client;
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

        // A tool may wait for minutes before it answers.
        using var http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        using var input = new HeldInput(Console.OpenStandardInput());
        await using var editor = new StreamServerTransport(input, Console.OpenStandardOutput(), "beadhub");
        await using var transport = new HttpClientTransport(
            new()
            {
                Endpoint = address,
                TransportMode = HttpTransportMode.StreamableHttp,
                AdditionalHeaders = new Dictionary<string, string> { ["Authorization"] = $"Bearer {key}" },
            }, http);
        await using var server = await transport.ConnectAsync(cancellation);
        using var slots = new SemaphoreSlim(MaxAtOnce);
        var answers = Answer();
        while (true)
        {
            // Looked at before the rest is read: nothing comes after the end.
            var hasEnded = input.Ended.IsCompleted;
            while (editor.MessageReader.TryRead(out var message))
            {
                await slots.WaitAsync(cancellation);
                _ = Pass(message);
            }

            if (hasEnded || editor.MessageReader.Completion.IsCompleted) break;
            await Task.WhenAny(editor.MessageReader.WaitToReadAsync(cancellation).AsTask(), input.Ended);
            cancellation.ThrowIfCancellationRequested();
        }

        // What the editor asked last is still answered.
        for (var i = 0; i < MaxAtOnce; i++) await slots.WaitAsync(cancellation);
        await server.DisposeAsync();
        await answers;
        input.LetGo();
        return 0;

        async Task Answer()
        {
            try
            {
                await foreach (var message in server.MessageReader.ReadAllAsync(cancellation))
                    await editor.SendMessageAsync(message, cancellation);
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or InvalidOperationException)
            {
                // The editor is gone.
            }
        }

        async Task Pass(JsonRpcMessage message)
        {
            try
            {
                await server.SendMessageAsync(message, cancellation);
            }
            catch (Exception e) when (!cancellation.IsCancellationRequested && message is JsonRpcMessageWithId { Id: var id })
            {
                await Refuse(Failure(id, $"No answer from {address}: {e.Message}"));
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or InvalidOperationException or HttpRequestException)
            {
                // The editor is gone, or nobody waits for an answer.
            }
            finally
            {
                slots.Release();
            }
        }

        async Task Refuse(JsonRpcError failure)
        {
            try
            {
                await editor.SendMessageAsync(failure, cancellation);
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or InvalidOperationException)
            {
                // The editor is gone.
            }
        }
    }

    private static JsonRpcError Failure(RequestId id, string text) =>
        new() { Id = id, Error = new() { Code = Unreachable, Message = text } };

    /// <summary>
    /// Standard input whose end is held back until what was asked before it is answered: the transport sends nothing any more once it has
    /// seen the end, and who pipes a request in closes it at once.
    /// </summary>
    private sealed class HeldInput(Stream input) : Stream
    {
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _letGo = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private bool _closedLine;

        /// <summary>Completes when all that comes before the end was taken.</summary>
        public Task Ended => _ended.Task;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        /// <summary>Lets the end be seen.</summary>
        public void LetGo() => _letGo.TrySetResult();

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = _closedLine ? 0 : await input.ReadAsync(buffer, cancellationToken);
            if (read > 0 || buffer.IsEmpty) return read;
            if (!_closedLine)
            {
                // The last line may have none of its own; an empty one is passed over.
                _closedLine = true;
                buffer.Span[0] = (byte)'\n';
                return 1;
            }

            _ended.TrySetResult();
            await _letGo.Task.WaitAsync(cancellationToken);
            return 0;
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush()
        {
        }
    }
}
