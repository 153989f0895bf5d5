using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.EventLog;
using Beadhub.Identities;

namespace Beadhub.Idempotency;

/// <summary>The answer to the first request with a key. Pure.</summary>
/// <param name="Answer">The answer; null while there is none.</param>
public sealed record IdempotentRequest(RecordedAnswer? Answer) : IEventSourced<IdempotentRequest>
{
    /// <inheritdoc/>
    public static IdempotentRequest Empty { get; } = new((RecordedAnswer?)null);

    /// <summary>One event is all there ever is: a snapshot would only double it.</summary>
    public static StreamKind<IdempotentRequest> Kind { get; } =
        new("request", IdempotentRequestJson.Relaxed.IdempotentRequest, SnapshotEvery: int.MaxValue,
            ProjectOf: key => key[..key.IndexOf('/')]);

    /// <inheritdoc/>
    public IdempotentRequest Apply(IEvent @event) => @event is RequestAnswered answered ? new(answered.Answer) : this;

    /// <summary>What has become of a request that asks this.</summary>
    /// <exception cref="RefusedException">The answer is kept under a secret key that this server does not have.</exception>
    public RequestFound Find(string fingerprint, Seal seal) =>
        Answer is null ? new(RequestState.New)
        : Answer.Fingerprint == fingerprint ? new(RequestState.Answered, Opened(Answer, seal))
        : new(RequestState.OtherRequest);

    /// <summary>Keeps the first answer, and tells whether that is this one. It takes the request's mark, where nothing that was written
    /// carries it.</summary>
    /// <exception cref="RefusedException">As for <see cref="Find"/>.</exception>
    public Decision<RequestFound> Keep(RecordedAnswer answer, string? mark, Seal seal, DateTimeOffset now) =>
        Answer is null
            ? Decision.Accept(new RequestFound(RequestState.New), new RequestAnswered(Closed(answer, seal), now)) with { Mark = mark }
            : Decision.None(Find(answer.Fingerprint, seal));

    // Without a key it stays readable, as the secret itself does in the log then.
    private static RecordedAnswer Closed(RecordedAnswer answer, Seal seal) =>
        answer.HoldsSecret is true && seal.CloseText(answer.Body) is { } closed ? answer with { Body = closed } : answer;

    // A body is JSON; what is encrypted is Base64 and never begins like it.
    private static RecordedAnswer Opened(RecordedAnswer answer, Seal seal) =>
        answer.HoldsSecret is not true || answer.Body.StartsWith('{') ? answer
        : answer with
        {
            Body = seal.OpenText(answer.Body)
                ?? throw new RefusedException(RefusalKind.NotConfigured,
                    "The answer is kept under a secret key that this server does not have"),
        };
}

/// <summary>JSON of snapshots.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IdempotentRequest))]
internal sealed partial class IdempotentRequestJson : JsonSerializerContext
{
    /// <summary>Leaves text readable: nothing here is ever put into HTML.</summary>
    public static IdempotentRequestJson Relaxed =>
        field ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
