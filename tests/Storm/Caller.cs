using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.Storm;

/// <summary>An agent's calls in bad weather: each waits a few seconds at most, and is repeated with its <c>Idempotency-Key</c> until there
/// is an answer.</summary>
public sealed class Caller(Agent agent, History history, CancellationToken end) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly HttpClient _http =
        new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromSeconds(30) }) { BaseAddress = agent.Address,
        Timeout = Patience };

    /// <summary>Who calls.</summary>
    public Agent Agent => agent;

    /// <summary>Asks until there is an answer that is not the weather's; null when the storm ended before.</summary>
    /// <exception cref="InvalidOperationException">An answer that says that the request was wrong.</exception>
    public async Task<Reply?> Ask(HttpMethod method, string path, object? body = null)
    {
        var key = Guid.NewGuid().ToString();
        var text = body is null ? null : JsonSerializer.Serialize(body, Api.Json);
        for (var attempt = 1; ; attempt++)
        {
            var began = Stopwatch.GetTimestamp();
            using var request = new HttpRequestMessage(method, path);
            request.Headers.Add("Authorization", $"Bearer {agent.Key}");
            if (method != HttpMethod.Get) request.Headers.Add("Idempotency-Key", key);
            if (text is not null) request.Content = new StringContent(text, Encoding.UTF8, "application/json");
            try
            {
                using var response = await _http.SendAsync(request, CancellationToken.None);
                var answer = await response.Content.ReadAsStringAsync(CancellationToken.None);
                // A node that is being repeated to may still be at the first attempt.
                var busy = response.StatusCode == HttpStatusCode.Conflict && answer.Contains("still under way", StringComparison.Ordinal);
                if ((int)response.StatusCode < 500 && !busy && response.StatusCode != HttpStatusCode.TooManyRequests)
                {
                    if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.UnprocessableEntity
                        or HttpStatusCode.BadRequest)
                        throw new InvalidOperationException($"{method} {path} -> {(int)response.StatusCode} {answer}");
                    if (answer.Length == 0)
                        throw new InvalidOperationException($"{method} {path} -> {(int)response.StatusCode} without a body");
                    if ((int)response.StatusCode < 400) history.Acknowledge();
                    return new((int)response.StatusCode, JsonDocument.Parse(answer).RootElement, began);
                }
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
            {
                // The connection broke, or nobody answered in time.
            }

            history.LoseTrack();
            if (end.IsCancellationRequested && attempt > 3) return null;
            await Task.Delay(Pause, CancellationToken.None);
        }
    }

    public void Dispose() => _http.Dispose();
}

/// <summary>An answer.</summary>
/// <param name="Status">Status.</param>
/// <param name="Json">Body.</param>
/// <param name="Began">When the attempt was begun that it answers: what was acknowledged before must be in it.</param>
public sealed record Reply(int Status, JsonElement Json, long Began);
