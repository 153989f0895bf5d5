using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;

namespace Beadhub.Testing;

/// <summary>A real SMTP server on this machine's loopback that takes mail, or for a while does not.</summary>
public sealed class SmtpReceiver : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly Channel<Letter> letters = Channel.CreateUnbounded<Letter>();
    private readonly ConcurrentQueue<bool> refusals = new();
    private readonly CancellationTokenSource stop = new();
    private readonly Task listening;

    public SmtpReceiver()
    {
        listener.Start();
        listening = Listen();
    }

    /// <summary>A mail as it came.</summary>
    public sealed record Letter(string From, string[] To, string Data)
    {
        /// <summary>Headers, unfolded.</summary>
        public string Head =>
            Data[..Data.IndexOf("\r\n\r\n", StringComparison.Ordinal)].Replace("\r\n ", "", StringComparison.Ordinal);

        /// <summary>The text, decoded.</summary>
        public string Text
        {
            get
            {
                var body = Data[(Data.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
                if (Head.Contains("Content-Transfer-Encoding: base64", StringComparison.OrdinalIgnoreCase))
                    return Encoding.UTF8.GetString(Convert.FromBase64String(body.Replace("\r\n", "", StringComparison.Ordinal)));
                var bytes = new List<byte>();
                body = body.Replace("=\r\n", "", StringComparison.Ordinal);
                for (var i = 0; i < body.Length; i++)
                {
                    if (body[i] == '=' && i + 2 < body.Length)
                    {
                        bytes.Add(Convert.ToByte(body.Substring(i + 1, 2), 16));
                        i += 2;
                    }
                    else bytes.Add((byte)body[i]);
                }

                return Encoding.UTF8.GetString([.. bytes]);
            }
        }
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Until when the answer to a mail that came whole is held back; null for not at all.</summary>
    public TaskCompletionSource? Hold { get; set; }

    /// <summary>Refuses the next mail.</summary>
    public void RefuseNext() => refusals.Enqueue(true);

    /// <summary>The next mail.</summary>
    public async Task<Letter> Next() => await letters.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    /// <summary>A mail that has come already.</summary>
    public bool TryNext(out Letter? letter) => letters.Reader.TryRead(out letter);

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Stop();
        await listening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
    }

    private async Task Listen()
    {
        while (!stop.IsCancellationRequested)
        {
            var client = await listener.AcceptTcpClientAsync(stop.Token);
            _ = Talk(client);
        }
    }

    private async Task Talk(TcpClient client)
    {
        using (client)
        {
            using var reader = new StreamReader(client.GetStream(), Encoding.Latin1);
            using var writer = new StreamWriter(client.GetStream(), Encoding.Latin1) { NewLine = "\r\n", AutoFlush = true };
            await writer.WriteLineAsync("220 test");
            var (from, to) = ("", new List<string>());
            while (await reader.ReadLineAsync(stop.Token) is { } line)
            {
                var word = line.Split(' ')[0].ToUpperInvariant();
                switch (word)
                {
                    case "MAIL" when refusals.TryDequeue(out _):
                        await writer.WriteLineAsync("451 not now");
                        break;
                    case "MAIL":
                        (from, to) = (line, []);
                        await writer.WriteLineAsync("250 ok");
                        break;
                    case "RCPT":
                        to.Add(line[(line.IndexOf('<', StringComparison.Ordinal) + 1)..line.IndexOf('>', StringComparison.Ordinal)]);
                        await writer.WriteLineAsync("250 ok");
                        break;
                    case "DATA":
                        await writer.WriteLineAsync("354 go on");
                        var data = new StringBuilder();
                        while (await reader.ReadLineAsync(stop.Token) is { } text && text != ".")
                            data.Append(text.StartsWith("..", StringComparison.Ordinal) ? text[1..] : text).Append("\r\n");
                        var hold = Hold;
                        letters.Writer.TryWrite(new(from, [.. to], data.ToString()));
                        if (hold is not null) await hold.Task.WaitAsync(stop.Token);
                        await writer.WriteLineAsync("250 taken");
                        break;
                    case "QUIT":
                        await writer.WriteLineAsync("221 bye");
                        return;
                    default:
                        await writer.WriteLineAsync("250 ok");
                        break;
                }
            }
        }
    }
}
