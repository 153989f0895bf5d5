using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.EventLog;

namespace Beadhub.Idempotency;

/// <summary>The answer to the first request with a key. Pure.</summary>
/// <param name="Answer">The answer; null while there is none.</param>
public sealed record IdempotentRequest(RecordedAnswer? Answer) : IEventSourced<IdempotentRequest>
{
    /// <inheritdoc/>
    public static IdempotentRequest Empty { get; } = new((RecordedAnswer?)null);

    /// <summary>One event is all there ever is: a snapshot would only double it.</summary>
    public static StreamKind<IdempotentRequest> Kind { get; } =
        new("request", IdempotentRequestJson.Relaxed.IdempotentRequest, SnapshotEvery: int.MaxValue, ProjectOf: key => key[..key.IndexOf('/')]);

    /// <inheritdoc/>
    public IdempotentRequest Apply(IEvent @event) => @event is RequestAnswered answered ? new(answered.Answer) : this;

    /// <summary>What to do with a request that asks this.</summary>
    public RequestBegun Begin(string fingerprint) =>
        Answer is null ? new(RequestStep.Proceed)
        : Answer.Fingerprint == fingerprint ? new(RequestStep.Repeat, Answer)
        : new(RequestStep.Refuse);

    /// <summary>Keeps the first answer, and tells whether that is this one.</summary>
    public Decision<RequestBegun> Complete(RecordedAnswer answer, DateTimeOffset now) =>
        Answer is null ? Decision.Accept(new RequestBegun(RequestStep.Proceed, answer), new RequestAnswered(answer, now)) : Decision.None(Begin(answer.Fingerprint));
}

/// <summary>JSON of snapshots.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IdempotentRequest))]
internal sealed partial class IdempotentRequestJson : JsonSerializerContext
{
    /// <summary>Leaves text readable: nothing here is ever put into HTML.</summary>
    public static IdempotentRequestJson Relaxed => field ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
