namespace Beadhub.Gateway.Http;

/// <summary>
/// What an endpoint asks of a request, noted in a dry run of the endpoint itself: an empty request is put to it, each field that it asks for is
/// written down, and the run ends where the request would be carried out. So the documents say what the code does.
/// </summary>
internal sealed class FieldNotes
{
    private static readonly object Key = new();
    private static int _running;

    private readonly Dictionary<string, FieldNote> _query = [];
    private readonly Dictionary<string, FieldNote> _headers = [];
    private readonly Dictionary<string, FieldNote> _body = [];

    /// <summary>Query parameters.</summary>
    public IReadOnlyCollection<FieldNote> Query => _query.Values;

    /// <summary>Headers.</summary>
    public IReadOnlyCollection<FieldNote> Headers => _headers.Values;

    /// <summary>Fields of the JSON body; null when there is none.</summary>
    public IReadOnlyCollection<FieldNote>? Body => HasBody ? _body.Values : null;

    /// <summary>Whether the body is plain text.</summary>
    public bool TakesText { get; set; }

    /// <summary>Whether there is a JSON body.</summary>
    public bool HasBody { get; set; }

    /// <summary>Whether the JSON body may be left out.</summary>
    public bool MayBeMissing { get; set; }

    /// <summary>Whether unknown fields of the body are refused.</summary>
    public bool IsStrict { get; set; }

    /// <summary>The notes of a dry run; null for a real request, for which the question costs nothing.</summary>
    public static FieldNotes? Of(HttpContext http) => Volatile.Read(ref _running) == 0 ? null : http.Items[Key] as FieldNotes;

    /// <summary>Puts an empty request to an endpoint.</summary>
    public static async Task<FieldNotes> Take(Func<HttpContext, Task> handler, IServiceProvider services)
    {
        var notes = new FieldNotes();
        var http = new DefaultHttpContext { RequestServices = services };
        http.Items[Key] = notes;
        Interlocked.Increment(ref _running);
        try
        {
            await handler(http);
        }
        catch (Exception e) when (e is NotedException or ApiException or InvalidFieldsException or RefusedException)
        {
            // All that is asked for was asked for.
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }

        return notes;
    }

    public void NoteQuery(FieldNote field) => _query.TryAdd(field.Name, field);

    public void NoteHeader(FieldNote field) => _headers.TryAdd(field.Name, field);

    public void NoteBody(FieldNote field) => _body.TryAdd(field.Name, field);
}

/// <summary>A field that an endpoint asks for.</summary>
/// <param name="Name">Name.</param>
/// <param name="Type">Type in the words of JSON Schema: <c>string</c>, <c>integer</c>, <c>boolean</c>, <c>object</c>, <c>array</c>.</param>
/// <param name="Required">Whether it must be there.</param>
/// <param name="Min">Least value, or least length of a text.</param>
/// <param name="Max">Greatest value, or greatest length of a text.</param>
/// <param name="Items">Type of an array's elements.</param>
/// <param name="Values">The only values of a text.</param>
internal sealed record FieldNote(
    string Name, string Type, bool Required = false, long? Min = null, long? Max = null, string? Items = null, IReadOnlyList<string>? Values = null)
{
    /// <summary>A text.</summary>
    public static FieldNote Text(string name, bool required, int min, int max) =>
        new(name, "string", required, min == 0 ? null : min, max == int.MaxValue ? null : max);

    /// <summary>A whole number.</summary>
    public static FieldNote Integer(string name, bool required, int min, int max) =>
        new(name, "integer", required, min == int.MinValue ? null : min, max == int.MaxValue ? null : max);
}

/// <summary>Ends a dry run.</summary>
internal sealed class NotedException() : Exception("Noted");
