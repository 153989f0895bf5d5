using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.Idempotency;

namespace Beadhub.EventLog;

/// <summary>
/// One write of a request with an <c>Idempotency-Key</c>. Its event carries a mark, so that no other attempt at the request writes it
/// again, and a record of the result, so that a repeat gets it. The first write of a request carries the request's own mark, a further one
/// that of its place in the request: the stream and the step.
/// </summary>
/// <param name="request">The request.</param>
/// <param name="stream">The stream that is written.</param>
/// <param name="step">What is done: a name that only this transaction of the grain has.</param>
internal sealed class KeyedWrite(KeyedRequest request, StreamKey stream, string step)
{
    private bool _isOwn; // the mark is the request's
    private bool _isUnmarked;

    /// <summary>The mark that the write is to carry; null before it was chosen, and when it carries none.</summary>
    public string? Mark { get; private set; }

    public bool IsRepeat => request.IsRepeat;

    private string StepMark => $"{request.Mark}/{step}/{stream}";

    /// <summary>Chooses the mark: the request's own for the first write.</summary>
    public void Choose()
    {
        if (Mark is not null || _isUnmarked) return;
        _isOwn = request.TakeMark();
        Mark = _isOwn ? request.Mark : StepMark;
    }

    /// <summary>Puts the mark and the record into the first of several appends.</summary>
    public IReadOnlyList<NewEvent> MarkOnce(IReadOnlyList<NewEvent> events)
    {
        if (Mark is not null) return events;
        Choose();
        return Mark is null ? events : [events[0] with { Mark = Mark, Data = RecordIn(events[0].Data, null) }, .. events.Skip(1)];
    }

    /// <summary>Before several appends, of which only the first carries a mark.</summary>
    /// <exception cref="CarriedOutException">Another attempt has written.</exception>
    public async ValueTask MustBeAlone(IEventLog log)
    {
        if (request.IsRepeat) return;
        foreach (var mark in (string[])[request.Mark, StepMark])
            if (await RequestRecord.Find(log, request.Project, mark) is { } found && found.Record?.Attempt != request.Attempt)
                throw new CarriedOutException();
    }

    /// <summary>Nothing is to be written.</summary>
    public void Drop()
    {
        if (_isOwn) request.GiveMarkBack();
        (Mark, _isOwn) = (null, false);
    }

    public void Wrote(bool withResult) => request.Wrote(withResult);

    /// <summary>The record, to be put into the event that carries the mark.</summary>
    public string RecordIn(string data, string? result) =>
        RequestRecord.Add(data, new(request.Fingerprint, request.Attempt, $"{step}/{stream}", result));

    /// <summary>What the log has of this write, when the request is a repeat. After that the write is not to be marked if it was made
    /// without a result.</summary>
    public async ValueTask<string?> FirstResult(IEventLog log)
    {
        foreach (var mark in (string[])[request.Mark, StepMark])
        {
            if (await RequestRecord.Find(log, request.Project, mark) is not { } found || found.Record?.Step != $"{step}/{stream}") continue;
            _isUnmarked = true;
            return found.Record.Result;
        }

        return null;
    }

    /// <summary>After an append was refused: whether that was for the mark, and what follows from it.</summary>
    /// <returns>The result of the first attempt, if this is a repeat of it; null when the write is to be decided again.</returns>
    /// <exception cref="CarriedOutException">Another attempt has written.</exception>
    public async ValueTask<string?> AfterRefusal(IEventLog log)
    {
        if (Mark is not { } mark || await RequestRecord.Find(log, request.Project, mark) is not { } found) return null;
        if (found.Record?.Attempt == request.Attempt)
        {
            // Another silo has counted, or the step is made several times: later ones are not marked.
            (Mark, _isUnmarked, _isOwn) = (_isOwn ? StepMark : null, !_isOwn, false);
            return null;
        }

        if (!request.IsRepeat || found.Record is null) throw new CarriedOutException();
        (Mark, _isUnmarked) = (null, true);
        return found.Record.Result;
    }
}

/// <summary>What the log keeps of a write that was made for a request with an <c>Idempotency-Key</c>: a member of the event's JSON, which
/// nothing else reads.</summary>
/// <param name="Fingerprint">Hash of what was asked.</param>
/// <param name="Attempt">Who wrote it.</param>
/// <param name="Step">Its place in the request.</param>
/// <param name="Result">The result as JSON, where the grain keeps it.</param>
internal sealed record RequestRecord(string Fingerprint, Guid Attempt, string Step, string? Result)
{
    // Behind the event's own members, none of which begins so. Programs that do not know it skip it.
    private const string Member = "\"_request\":";

    /// <summary>The event's JSON with the record.</summary>
    public static string Add(string data, RequestRecord record) =>
        $"{data.AsSpan(0, data.Length - 1)}{(data.Length > 2 ? "," : "")}{Member}"
        + $"{JsonSerializer.Serialize(record, RequestRecordJson.Relaxed.RequestRecord)}}}";

    /// <summary>The event with a mark, and the record in it, if there is one.</summary>
    public static async ValueTask<(StoredEvent Event, RequestRecord? Record)?> Find(IEventLog log, string project, string mark)
    {
        if (await log.FindMark(project, mark) is not { } marked) return null;
        return await log.ReadStream(marked.Stream, marked.Version - 1, 1) is [var stored] ? (stored, Of(stored.Data)) : null;
    }

    private static RequestRecord? Of(string data)
    {
        if (!data.Contains(Member, StringComparison.Ordinal)) return null;
        using var json = JsonDocument.Parse(data);
        return json.RootElement.TryGetProperty("_request", out var record)
            ? record.Deserialize(RequestRecordJson.Relaxed.RequestRecord) : null;
    }
}

/// <summary>JSON of records.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RequestRecord))]
internal sealed partial class RequestRecordJson : JsonSerializerContext
{
    /// <summary>Leaves text readable: nothing here is ever put into HTML.</summary>
    public static RequestRecordJson Relaxed =>
        field ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
