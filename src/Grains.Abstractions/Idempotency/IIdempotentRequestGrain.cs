using System.Security.Cryptography;
using System.Text;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Idempotency;

/// <summary>
/// A write that carries an <c>Idempotency-Key</c>, and the answer that it was given, so that an agent whose connection broke can ask again safely,
/// also after a restart. Key: project id / hash of the caller and the key.
/// </summary>
[Alias("beadhub.idempotent_request")]
public interface IIdempotentRequestGrain : IGrainWithStringKey
{
    /// <summary>Key of a caller's request. Callers cannot see each other's answers: the caller is part of it.</summary>
    static string Key(string projectId, string caller, string idempotencyKey) =>
        $"{projectId}/{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{caller}\n{idempotencyKey}")))}";

    /// <summary>
    /// Begins the request, or answers what the first one with this key was told; waits for a first one that is under way. Whoever is told to
    /// proceed ends with <see cref="Complete"/> or <see cref="Abandon"/>, within a minute where there are other nodes: a node that has not been heard of for so long is taken for
    /// dead, and another is told to proceed.
    /// </summary>
    /// <param name="fingerprint">Hash of what is asked: the same key may not be used for something else.</param>
    [AlwaysInterleave]
    Task<RequestBegun> Begin(string fingerprint);

    /// <summary>Keeps the answer, unless another node was faster with the same request; completes when it is durable.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="turn"><see cref="RequestBegun.Turn"/>: who has lost it ends nobody else's.</param>
    /// <returns><see cref="RequestStep.Proceed"/> with this answer, or what the other node's answer means for this request.</returns>
    [Repeatable, AlwaysInterleave]
    Task<RequestBegun> Complete(RecordedAnswer answer, Guid turn);

    /// <summary>There is no answer worth keeping: the next request with this key is carried out.</summary>
    /// <param name="turn"><see cref="RequestBegun.Turn"/>: who has lost it ends nobody else's.</param>
    [Repeatable, AlwaysInterleave]
    Task Abandon(Guid turn);
}

/// <summary>What is to be done with a request that carries a key.</summary>
public enum RequestStep
{
    /// <summary>Carry it out.</summary>
    Proceed,

    /// <summary>Give the recorded answer.</summary>
    Repeat,

    /// <summary>The first one is still under way.</summary>
    Wait,

    /// <summary>The key was used for another request.</summary>
    Refuse,
}

/// <summary>How to go on, and the recorded answer if there is one.</summary>
/// <param name="Step">What to do.</param>
/// <param name="Answer">The recorded answer.</param>
/// <param name="Turn">Fencing token of who is told to proceed.</param>
[GenerateSerializer, Immutable, Alias("idempotency.begun.v1")]
public sealed record RequestBegun([property: Id(0)] RequestStep Step, [property: Id(1)] RecordedAnswer? Answer = null, [property: Id(2)] Guid Turn = default);

/// <summary>An answer as it was given.</summary>
/// <param name="Fingerprint">Hash of what was asked.</param>
/// <param name="Status">HTTP status.</param>
/// <param name="Body">Body as text.</param>
/// <param name="HoldsSecret">True when the body shows a secret: the log keeps it encrypted under the server's secret key, where there is one.</param>
[GenerateSerializer, Immutable, Alias("idempotency.answer.v1")]
public sealed record RecordedAnswer(
    [property: Id(0)] string Fingerprint,
    [property: Id(1)] int Status,
    [property: Id(2)] string Body,
    [property: Id(3)] bool? HoldsSecret = null);

/// <summary>A request with an <c>Idempotency-Key</c> was answered.</summary>
[GenerateSerializer, Immutable, Alias("request.answered.v1")]
public sealed record RequestAnswered([property: Id(0)] RecordedAnswer Answer, [property: Id(1)] DateTimeOffset At) : IEvent;
