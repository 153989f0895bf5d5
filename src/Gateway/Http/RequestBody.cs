using System.Buffers;
using Beadhub.Gateway.Identity;
using Microsoft.AspNetCore.Http.Features;

namespace Beadhub.Gateway.Http;

/// <summary>
/// The bytes of a request's body in one piece, on loan from the pool until the request ends: bodies of many megabytes must not cost fresh
/// memory each time.
/// </summary>
internal sealed class RequestBody : IDisposable
{
    private const int Start = 16 * 1024;
    private const int Large = 1024 * 1024;

    // The shared pool keeps arrays of every size for each thread and each core: of many megabytes that would be hundreds. This one keeps
    // two of each size.
    private static readonly ArrayPool<byte> LargeArrays = ArrayPool<byte>.Create((int)(2 * GatewaySettings.MaxBodyBytes),
        maxArraysPerBucket: 2);

    private readonly List<byte[]> _rented = [];
    private UnknownBodies? _unknown;
    private long _taken;

    /// <summary>The bytes.</summary>
    public ReadOnlyMemory<byte> Bytes { get; private set; }

    /// <summary>A body without a byte.</summary>
    public static RequestBody Empty() => new();

    /// <summary>Reads the body to its end.</summary>
    /// <exception cref="ApiException">
    /// 413 when it is too large, 415 when it is compressed, 503 when callers nobody knows send too much at once.
    /// </exception>
    public static async ValueTask<RequestBody> Read(HttpRequest request)
    {
        if (request.Headers.ContentEncoding is { Count: > 0 } encoding
            && !encoding.ToString().Equals("identity", StringComparison.OrdinalIgnoreCase))
            throw new ApiException(StatusCodes.Status415UnsupportedMediaType, "Content-Encoding is not supported: send the body as it is");
        if (request.ContentLength > GatewaySettings.MaxBodyBytes) throw TooLarge();
        // In a larger application the limit is the host's; this one is ours.
        if (request.ContentLength is not <= Start
            && request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = GatewaySettings.MaxBodyBytes;
        var body = new RequestBody();
        try
        {
            // Grows with what has really come: a claimed length buys no memory.
            var buffer = body.Rent((int)Math.Min(request.ContentLength + 1 ?? Start, Start));
            var length = 0;
            while (await request.Body.ReadAsync(buffer.AsMemory(length), request.HttpContext.RequestAborted) is > 0 and var read)
            {
                length += read;
                if (length > GatewaySettings.MaxBodyBytes) throw TooLarge();
                if (length < buffer.Length) continue;
                if (length == GatewaySettings.MaxBodyBytes)
                {
                    if (await request.Body.ReadAsync(new byte[1], request.HttpContext.RequestAborted) > 0) throw TooLarge();
                    break;
                }

                // No more than was announced, which is more than is needed by one byte at most.
                var next = (int)Math.Min(buffer.Length * 4L,
                    Math.Min(request.ContentLength + 1 ?? long.MaxValue, GatewaySettings.MaxBodyBytes));
                await body.MakeRoom(next, request.HttpContext);
                var larger = body.Rent(next);
                buffer.AsSpan(0, length).CopyTo(larger);
                body.Return(buffer);
                buffer = larger;
            }

            body.Bytes = buffer.AsMemory(0, length);
            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    /// <summary>Memory that goes back to the pool with the body.</summary>
    public byte[] Rent(int length)
    {
        var rented = (length > Large ? LargeArrays : ArrayPool<byte>.Shared).Rent(length);
        _rented.Add(rented);
        return rented;
    }

    public void Dispose()
    {
        while (_rented is [.., var last]) Return(last);
        Bytes = default;
        _unknown?.Return(_taken);
        _taken = 0;
    }

    private void Return(byte[] rented)
    {
        _rented.Remove(rented);
        (rented.Length > Large ? LargeArrays : ArrayPool<byte>.Shared).Return(rented);
    }

    /// <summary>What a caller sends who is known is bounded by who they are; what others send is bounded together.</summary>
    private async ValueTask MakeRoom(int length, HttpContext http)
    {
        if (length <= UnknownBodies.Free || (_unknown is null && await IsKnown(http))) return;
        _unknown ??= http.RequestServices.GetRequiredService<UnknownBodies>();
        if (!_unknown.TryTake(length - _taken))
            throw new ApiException(StatusCodes.Status503ServiceUnavailable,
                "Too many large requests without valid credentials at once. Please retry.") { RetryAfter = 1 };
        _taken = length;
    }

    private static async ValueTask<bool> IsKnown(HttpContext http)
    {
        if (!Identification.HasCredentials(http)) return false;
        try
        {
            await http.RequestServices.GetRequiredService<Identification>().ReaderOf(http);
            return true;
        }
        catch (ApiException)
        {
            return false;
        }
    }

    private static ApiException TooLarge() =>
        new(StatusCodes.Status413PayloadTooLarge, $"Request body too large: at most {GatewaySettings.MaxBodyBytes} bytes");
}
