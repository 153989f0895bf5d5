using System.Buffers;

namespace Beadhub.Gateway.Http;

/// <summary>
/// The bytes of a request's body in one piece, on loan from the pool until the request ends: bodies of many megabytes must not cost fresh memory each time.
/// </summary>
internal sealed class RequestBody : IDisposable
{
    private const int Start = 16 * 1024;

    private readonly List<byte[]> _rented = [];

    /// <summary>The bytes.</summary>
    public ReadOnlyMemory<byte> Bytes { get; private set; }

    /// <summary>A body without a byte.</summary>
    public static RequestBody Empty() => new();

    /// <summary>Reads the body to its end.</summary>
    /// <exception cref="ApiException">413 when it is too large.</exception>
    public static async ValueTask<RequestBody> Read(HttpRequest request)
    {
        if (FieldNotes.Of(request.HttpContext) is { } notes)
        {
            notes.TakesText = true;
            throw new NotedException();
        }

        if (request.ContentLength > GatewaySettings.MaxBodyBytes) throw TooLarge();
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
                var larger = body.Rent(buffer.Length * 4);
                buffer.AsSpan(0, length).CopyTo(larger);
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
        var rented = ArrayPool<byte>.Shared.Rent(length);
        _rented.Add(rented);
        return rented;
    }

    public void Dispose()
    {
        foreach (var rented in _rented) ArrayPool<byte>.Shared.Return(rented);
        _rented.Clear();
        Bytes = default;
    }

    private static ApiException TooLarge() =>
        new(StatusCodes.Status413PayloadTooLarge, $"Request body too large: at most {GatewaySettings.MaxBodyBytes} bytes");
}
