using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Beadhub.Gateway.Webhooks;

/// <summary>Sends a delivery to its endpoint: no redirects, no proxies, no cookies, little patience.</summary>
internal sealed class WebhookSender : IDisposable
{
    private const int ReadOfAnswer = 4 * 1024;
    private const int MaxError = 300;

    private readonly HttpClient _http;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;

    public WebhookSender(WebhookAddresses addresses, TimeSpan timeout, TimeProvider time)
    {
        (_timeout, _time) = (timeout, time);
        _http = new(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            ConnectCallback = addresses.Connect,
            // Names are looked up again now and then.
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
            MaxConnectionsPerServer = 8,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>Sends; null when the endpoint has taken it, else what went wrong.</summary>
    public async Task<string?> Send(string url, string secret, WebhookBatch batch, CancellationToken ended)
    {
        using var patience = new CancellationTokenSource(_timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ended, patience.Token);
        using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(batch.Body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("Beadhub-Delivery", batch.Id);
        request.Headers.Add("Beadhub-Signature", batch.Sign(secret, _time.GetUtcNow()));
        request.Headers.Add("User-Agent", "Beadhub-Webhooks/1");
        try
        {
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            var status = (int)response.StatusCode;
            if (status is >= 300 and < 400) return $"HTTP {status}: redirects are not followed";
            if (status is < 200 or >= 300) return $"HTTP {status}";
            await Drain(response, either.Token);
            return null;
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !ended.IsCancellationRequested)
        {
            return $"no answer within {_timeout.TotalSeconds:0} seconds";
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException or AuthenticationException or InvalidOperationException)
        {
            var text = e.InnerException is { } inner and not IOException ? inner.Message : e.Message;
            return text.Length > MaxError ? text[..MaxError] : text;
        }
    }

    public void Dispose() => _http.Dispose();

    // So that the connection can be used again; what is longer ends with it. The answer counted with its status.
    private static async Task Drain(HttpResponseMessage response, CancellationToken cancellation)
    {
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(cancellation);
            var buffer = new byte[ReadOfAnswer];
            var left = ReadOfAnswer;
            while (left > 0 && await body.ReadAsync(buffer.AsMemory(0, left), cancellation) is > 0 and var read) left -= read;
        }
        catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException)
        {
        }
    }
}
