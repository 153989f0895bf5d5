using System.Security.Cryptography;
using System.Text;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Streaming;

namespace Beadhub.Hosting.Webhooks;

/// <summary>
/// One delivery: events in order, each with its feed position, by which a receiver tells repeats. The same events make the same delivery
/// id.
/// </summary>
/// <param name="Id">Id of the delivery; the same at every attempt.</param>
/// <param name="Body">JSON.</param>
/// <param name="Last">Position that the endpoint has reached with it.</param>
internal sealed record WebhookBatch(string Id, byte[] Body, long Last)
{
    private const int MaxBytes = 512 * 1024;

    /// <summary>The frames that an endpoint wants, as many as a delivery takes; null when it wants none of them.</summary>
    /// <param name="projectId">The project.</param>
    /// <param name="webhookId">The endpoint.</param>
    /// <param name="wants">What it wants.</param>
    /// <param name="frames">Frames in order.</param>
    /// <param name="last">Position that is reached with all of them.</param>
    public static WebhookBatch? Of(string projectId, string webhookId, Func<Frame, bool> wants, IReadOnlyList<Frame> frames, long last)
    {
        var wanted = new List<Frame>();
        var size = 0;
        foreach (var frame in frames.Where(wants))
        {
            var length = Json(frame).Length;
            if (wanted.Count > 0 && size + length > MaxBytes)
            {
                last = wanted[^1].Position;
                break;
            }

            wanted.Add(frame);
            size += length;
        }

        if (wanted.Count == 0) return null;
        var id = $"{webhookId}.{wanted[0].Position}-{wanted[^1].Position}";
        using var body = new MemoryStream(size + 512);
        body.Write(Encoding.UTF8
            .GetBytes($$"""{"delivery_id":"{{id}}","webhook_id":"{{webhookId}}","project_id":"{{projectId}}","events":["""));
        for (var i = 0; i < wanted.Count; i++)
        {
            body.Write(Encoding.UTF8.GetBytes($$"""{{(i > 0 ? "," : "")}}{"position":{{wanted[i].Position}},"""));
            body.Write(Json(wanted[i]).Span[1..]);
        }

        body.Write("]}"u8);
        return new(id, body.ToArray(), last);
    }

    // An endpoint is the project's, not one agent's: what is said in conversations is not for it.
    private static ReadOnlyMemory<byte> Json(Frame frame) => frame.JsonFor(ConversationReader.Outsider);

    /// <summary>The value of <c>Beadhub-Signature</c>: time and HMAC-SHA256 of "time.body" under the text of the secret.</summary>
    public string Sign(string secret, DateTimeOffset now)
    {
        var time = now.ToUnixTimeSeconds();
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret));
        hmac.AppendData(Encoding.UTF8.GetBytes($"{time}."));
        hmac.AppendData(Body);
        return $"t={time},v1={Convert.ToHexStringLower(hmac.GetHashAndReset())}";
    }
}
