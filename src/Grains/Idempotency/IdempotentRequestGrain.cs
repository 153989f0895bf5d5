using Beadhub.EventLog;
using Beadhub.Identities;
using Orleans;

namespace Beadhub.Idempotency;

/// <summary>The shell of <see cref="IdempotentRequest"/>.</summary>
public sealed class IdempotentRequestGrain(IEventLog log, TimeProvider time, Seal seal) : EventSourcedGrain<IdempotentRequest>(log),
    IIdempotentRequestGrain
{
    /// <inheritdoc/>
    protected override bool ReadsLate => true;

    private string Mark => IIdempotentRequestGrain.MarkOf(this.GetPrimaryKeyString());

    /// <inheritdoc/>
    public async Task<RequestFound> Find(string fingerprint)
    {
        if (await Read(request => request.Find(fingerprint, seal)) is { State: not RequestState.New } answered) return answered;
        if (await FirstWrite() is not { } first) return new(RequestState.New);
        // Without a record it is an answer that was kept a moment ago.
        return first.Record is { } record ? new(record.Fingerprint == fingerprint ? RequestState.CarriedOut : RequestState.OtherRequest)
            : await Read(request => request.Find(fingerprint, seal));
    }

    /// <inheritdoc/>
    public async Task<RequestFound> Keep(RecordedAnswer answer, Guid attempt, bool hasWritten)
    {
        AssumeNew();
        try
        {
            return await Transact(request => request.Keep(answer, hasWritten ? null : Mark, seal, time.Now()));
        }
        catch (MarkTakenException)
        {
            // The attempt itself may have written, on another silo, which could not tell.
            return (await FirstWrite())?.Record?.Attempt == attempt
                ? await Keep(answer, attempt, hasWritten: true) : await Find(answer.Fingerprint);
        }
    }

    private ValueTask<(StoredEvent Event, RequestRecord? Record)?> FirstWrite()
    {
        var key = this.GetPrimaryKeyString();
        return RequestRecord.Find(Log, IdempotentRequest.Kind.ProjectOf(key), Mark);
    }
}
