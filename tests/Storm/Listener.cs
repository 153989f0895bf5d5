using Beadhub.Testing;

namespace Beadhub.Storm;

/// <summary>Listens to a project's event stream, and goes on where it was whenever the connection breaks or falls silent.</summary>
public sealed class Listener(Agent agent, Listening listening)
{
    // The server says something every second; a node that is paused says nothing.
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(4);

    private readonly HttpClient _http = new() { BaseAddress = agent.Address, Timeout = Timeout.InfiniteTimeSpan };

    /// <summary>Whose feed it listens to.</summary>
    public string Feed => listening.Feed;

    /// <summary>Connections that were made.</summary>
    public int Connections { get; private set; }

    /// <summary>Position of the newest event that it saw.</summary>
    public long Position => listening.Positions.Count > 0 ? listening.Positions[^1] : listening.After;

    /// <summary>Listens until told to end.</summary>
    public async Task Run(CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/status/stream");
                request.Headers.Add("Authorization", $"Bearer {agent.Key}");
                request.Headers.Add("Last-Event-ID", Position.ToString());
                using var silence = CancellationTokenSource.CreateLinkedTokenSource(end);
                silence.CancelAfter(Silence);
                using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, silence.Token);
                response.EnsureSuccessStatusCode();
                Connections++;
                using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(silence.Token));
                var pending = -1L;
                while (await reader.ReadLineAsync(silence.Token) is { } line)
                {
                    silence.CancelAfter(Silence);
                    if (line.StartsWith("id: ", StringComparison.Ordinal)) pending = long.Parse(line[4..]);
                    // An event counts when it is complete.
                    if (line.Length == 0 && pending >= 0)
                    {
                        listening.Positions.Add(pending);
                        pending = -1;
                    }
                }
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
            {
                if (!end.IsCancellationRequested) await Task.Delay(50, CancellationToken.None);
            }
        }

        _http.Dispose();
    }
}
