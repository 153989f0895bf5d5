using System.Net.Sockets;
using System.Security.Authentication;

namespace Beadhub.Gateway.Outbound;

/// <summary>
/// The one way by which this server calls others at addresses that somebody has named: only where <see cref="OutboundAddresses"/> allow it,
/// without redirects, cookies and the environment's proxies, and with an end to time and to what is read of an answer.
/// </summary>
internal sealed class OutboundHttp : IDisposable
{
    private readonly HttpClient _http;
    private readonly OutboundAddresses _addresses;
    private readonly TimeProvider _time;

    public OutboundHttp(OutboundAddresses addresses, TimeProvider time)
    {
        (_addresses, _time) = (addresses, time);
        _http = new(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            ConnectCallback = addresses.Connect,
            // Names are looked up again now and then.
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
            MaxConnectionsPerServer = 8,
            MaxResponseHeadersLength = 16,
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>Sends a request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="timeout">How long all of it may take.</param>
    /// <param name="most">Bytes of the answer that are read; what is longer ends with the connection.</param>
    /// <param name="ended">Ends it early, with an <see cref="OperationCanceledException"/>.</param>
    public async Task<OutboundAnswer> Send(HttpRequestMessage request, TimeSpan timeout, int most, CancellationToken ended)
    {
        using var patience = new CancellationTokenSource(timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ended, patience.Token);
        try
        {
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            return new((int)response.StatusCode, await Read(response, most, either.Token), _addresses.IsPublic(request.RequestUri!), null);
        }
        catch (OperationCanceledException) when (!ended.IsCancellationRequested)
        {
            return OutboundAnswer.None($"no answer within {timeout.TotalSeconds:0} seconds");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException or AuthenticationException
            or InvalidOperationException)
        {
            return OutboundAnswer.None(e.InnerException is { } inner and not IOException ? inner.Message : e.Message);
        }
    }

    public void Dispose() => _http.Dispose();

    // An answer that breaks off, or does not end, counted with its status.
    private static async Task<ReadOnlyMemory<byte>> Read(HttpResponseMessage response, int most, CancellationToken cancellation)
    {
        var (buffer, length) = (new byte[most], 0);
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(cancellation);
            while (length < most && await body.ReadAsync(buffer.AsMemory(length), cancellation) is > 0 and var read) length += read;
        }
        catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException)
        {
        }

        return buffer.AsMemory(0, length);
    }
}

/// <summary>What came of a request to elsewhere.</summary>
/// <param name="Status">Status of the answer; null when there was none.</param>
/// <param name="Body">As much of it as was to be read.</param>
/// <param name="IsPublic">Whether it came from a public address. What another one answers concerns the operator only: users could look
/// about in a network by it.</param>
/// <param name="Problem">Why there was no answer, for the operator.</param>
internal sealed record OutboundAnswer(int? Status, ReadOnlyMemory<byte> Body, bool IsPublic, string? Problem)
{
    public static OutboundAnswer None(string problem) => new(null, default, false, problem);
}
