using System.Buffers.Text;
using System.Globalization;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Requests;

namespace Beadhub.Gateway.Identity;

/// <summary>
/// Tickets for event streams: a page's <c>EventSource</c> cannot send a key as a header, and a key does not belong into an address. A
/// ticket opens nothing but streams, for less than a minute, in the name of a key; it is the key's place, its end and a purpose,
/// sealed, so no store keeps it and no node needs to know of it. When the key ends, so does what it opens.
/// </summary>
internal sealed class StreamTickets(ITextSeal seal, TimeProvider time)
{
    /// <summary>How a ticket begins.</summary>
    public const string Prefix = "aw_st_";

    private const string Purpose = "stream-ticket";
    private const int MaxLength = 512;

    private static readonly TimeSpan Life = TimeSpan.FromSeconds(30);
    private static readonly object Opened = new();

    /// <summary>The query parameter of streams.</summary>
    public static readonly Field<string?> Field =
        InQuery.Text("ticket", "A stream ticket, in the place of a key: see POST /v1/stream-tickets", MaxLength);

    /// <summary>Makes a ticket.</summary>
    /// <param name="keyHash">Where the key's record is.</param>
    /// <exception cref="ApiException">501: nodes of a cluster have no secret in common.</exception>
    public (string Ticket, DateTimeOffset ExpiresAt) Make(string keyHash)
    {
        var end = time.GetUtcNow() + Life;
        var text = seal.CloseText(string.Create(CultureInfo.InvariantCulture, $"{Purpose}\n{keyHash}\n{end.ToUnixTimeMilliseconds()}"))
            ?? throw new ApiException(StatusCodes.Status501NotImplemented, "Stream tickets need BEADHUB_SECRET_KEY, the same on all nodes");
        return (Prefix + Base64Url.EncodeToString(Convert.FromBase64String(text)), end);
    }

    /// <summary>Where the record of the key is in whose name a stream's ticket stands; null when the request brings none.</summary>
    /// <exception cref="ApiException">401: it is none, or has expired.</exception>
    public string? KeyOf(HttpContext http)
    {
        if (!http.Request.QueryString.HasValue || http.Request.Headers.ContainsKey("Authorization")
            || http.GetEndpoint()?.Metadata.GetMetadata<RequestShape>() is not { IsStream: true }
            || http.Request.Query["ticket"].ToString() is not { Length: > 0 } ticket) return null;
        // A stream that is open asks again now and then whether it may go on: by then the ticket has ended, the key perhaps not.
        if (http.Items.TryGetValue(Opened, out var opened)) return (string)opened!;
        var key = Open(ticket) ?? throw ApiException.Unauthorized("Invalid or expired stream ticket");
        http.Items[Opened] = key;
        return key;
    }

    /// <summary>The key's place; null when the ticket is none or has expired.</summary>
    public string? Open(string ticket)
    {
        if (ticket.Length > MaxLength || !ticket.StartsWith(Prefix, StringComparison.Ordinal)) return null;
        if (!Base64Url.IsValid(ticket.AsSpan(Prefix.Length))) return null;
        var text = seal.OpenText(Convert.ToBase64String(Base64Url.DecodeFromChars(ticket.AsSpan(Prefix.Length))));
        return text?.Split('\n') is [Purpose, var key, var end]
            && long.TryParse(end, NumberStyles.None, CultureInfo.InvariantCulture, out var at)
            && time.GetUtcNow().ToUnixTimeMilliseconds() < at ? key : null;
    }
}
