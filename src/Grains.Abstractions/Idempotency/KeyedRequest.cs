using Orleans;
using Orleans.Runtime;

namespace Beadhub.Idempotency;

/// <summary>
/// A write with an <c>Idempotency-Key</c> that is being carried out, and how often it has written. It travels with the calls that the
/// request makes, on any node. The first event that is written for the request carries the request's mark, so that of all attempts at it,
/// on any nodes, one writes: another attempt is refused by the log (<see cref="CarriedOutException"/>), in the very append that would have
/// repeated it.
/// </summary>
/// <param name="project">The caller's project.</param>
/// <param name="mark">The request's mark: its deduplication key in the project.</param>
/// <param name="fingerprint">Hash of what is asked.</param>
/// <param name="attempt">Which attempt this is.</param>
/// <param name="isRepeat">The request was carried out, in part at least: what was written for it is not written again, its recorded result
/// is the result.</param>
[GenerateSerializer, Immutable, Alias("idempotency.keyed_request.v1")]
internal sealed class KeyedRequest(string project, string mark, string fingerprint, Guid attempt, bool isRepeat)
{
    private const string Name = "beadhub.request";

    // Counted by those who have this very object. On another silo a copy counts; whoever counts too little only asks the log where it need
    // not.
    private int _markIsUsed;
    private int _writes;
    private int _results;
    private volatile bool _isOver;

    /// <summary>The request for which the caller runs; null when it is not for one with a key, or that has been answered.</summary>
    public static KeyedRequest? Current => RequestContext.Get(Name) is KeyedRequest { _isOver: false } request ? request : null;

    [Id(0)]
    public string Project { get; } = project;

    [Id(1)]
    public string Mark { get; } = mark;

    [Id(2)]
    public string Fingerprint { get; } = fingerprint;

    [Id(3)]
    public Guid Attempt { get; } = attempt;

    [Id(4)]
    public bool IsRepeat { get; } = isRepeat;

    /// <summary>Whether anything was written.</summary>
    public bool HasWritten => Volatile.Read(ref _writes) > 0;

    /// <summary>Whether all that was written is one decision, with its result.</summary>
    public bool HasOneResult => Volatile.Read(ref _writes) == 1 && Volatile.Read(ref _results) == 1;

    /// <summary>What the caller does from here on is not the request's: it has means of its own against being done twice.</summary>
    public static void Leave() => RequestContext.Remove(Name);

    /// <summary>Carries out the request.</summary>
    public async Task During(Func<Task> carryOut)
    {
        RequestContext.Set(Name, this);
        try
        {
            await carryOut();
        }
        finally
        {
            _isOver = true;
        }
    }

    /// <summary>Takes the request's mark for the first write; false for every further one.</summary>
    public bool TakeMark() => !IsRepeat && Interlocked.CompareExchange(ref _markIsUsed, 1, 0) == 0;

    /// <summary>The write for which the mark was taken came to nothing.</summary>
    public void GiveMarkBack() => Volatile.Write(ref _markIsUsed, 0);

    /// <summary>Notes a durable write.</summary>
    public void Wrote(bool withResult)
    {
        if (withResult) Interlocked.Increment(ref _results);
        Interlocked.Increment(ref _writes);
    }
}

/// <summary>Another attempt at the request, or another request with its key, was carried out; nothing was written. Never reaches a
/// client.</summary>
[GenerateSerializer, Alias("idempotency.carried_out.v1")]
public sealed class CarriedOutException() : Exception("The request was carried out before.");
