using System.Security.Cryptography;
using System.Text;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Idempotency;

/// <summary>
/// A write that carries an <c>Idempotency-Key</c>, and the answer that it was given where that does not follow from what was written. Key:
/// project id / hash of the caller and the key.
/// </summary>
[Alias("beadhub.idempotent_request")]
public interface IIdempotentRequestGrain : IGrainWithStringKey
{
    /// <summary>Key of a caller's request. Callers cannot see each other's answers: the caller is part of it.</summary>
    static string Key(string projectId, string caller, string idempotencyKey) =>
        $"{projectId}/{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{caller}\n{idempotencyKey}")))}";

    /// <summary>The mark of the first event that is written for a request: its deduplication key within the project.</summary>
    static string MarkOf(string key) => $"request:{key[(key.IndexOf('/') + 1)..]}";

    /// <summary>What has become of the request.</summary>
    /// <param name="fingerprint">Hash of what is asked: the same key may not be used for something else.</param>
    [AlwaysInterleave, ReadOnly]
    Task<RequestFound> Find(string fingerprint);

    /// <summary>Keeps an answer, unless another attempt at the request was faster; completes when it is durable.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="attempt">The attempt that it is of.</param>
    /// <param name="hasWritten">Whether the attempt has written. If not, the answer takes the request's mark, so that no other attempt
    /// writes.</param>
    /// <returns><see cref="RequestState.New"/> when it is kept, otherwise what has become of the request.</returns>
    [Repeatable, AlwaysInterleave]
    Task<RequestFound> Keep(RecordedAnswer answer, Guid attempt, bool hasWritten);
}

/// <summary>What has become of a request that carries a key.</summary>
public enum RequestState
{
    /// <summary>Nobody else has carried it out.</summary>
    New,

    /// <summary>It was carried out, at least in part: the answer follows from what is in the log.</summary>
    CarriedOut,

    /// <summary>It was answered.</summary>
    Answered,

    /// <summary>The key was used for another request.</summary>
    OtherRequest,
}

/// <summary>What has become of a request, and its answer if it is kept.</summary>
[GenerateSerializer, Immutable, Alias("idempotency.found.v1")]
public sealed record RequestFound([property: Id(0)] RequestState State, [property: Id(1)] RecordedAnswer? Answer = null);

/// <summary>An answer as it was given.</summary>
/// <param name="Fingerprint">Hash of what was asked.</param>
/// <param name="Status">HTTP status.</param>
/// <param name="Body">Body as text.</param>
/// <param name="HoldsSecret">True when the body shows a secret: the log keeps it encrypted under the server's secret key, where there is
/// one.</param>
[GenerateSerializer, Immutable, Alias("idempotency.answer.v1")]
public sealed record RecordedAnswer(
    [property: Id(0)] string Fingerprint,
    [property: Id(1)] int Status,
    [property: Id(2)] string Body,
    [property: Id(3)] bool? HoldsSecret = null);

/// <summary>A request with an <c>Idempotency-Key</c> was answered.</summary>
[GenerateSerializer, Immutable, Alias("request.answered.v1")]
public sealed record RequestAnswered([property: Id(0)] RecordedAnswer Answer, [property: Id(1)] DateTimeOffset At) : IEvent;
