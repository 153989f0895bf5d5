using System.Buffers;
using System.Text.Json;

namespace Beadhub.Gateway.Http;

/// <summary>
/// Collects what is wrong with a request's fields, for a 422 whose <c>detail</c> is a list (contract 0.2). The list is bounded, and so is
/// what each entry repeats of the request: an answer must not be many times as large as what asked for it.
/// </summary>
internal sealed class FieldErrors
{
    private const int Most = 100; // errors that are told one by one
    private const int ShownInput = 4096; // bytes of a value that is shown back
    private const int ShownUnknown = 256; // the same for a field that nobody asked for
    private const int ShownDepth = 32; // many readers of JSON stop at 64 levels, and the answer has some of its own
    private const int ShownName = 128; // characters of a name

    private const string Unknown = "extra_forbidden";

    // Made at the first error: most requests have none.
    private ArrayBufferWriter<byte> _buffer = null!;
    private Utf8JsonWriter _json = null!;

    /// <summary>Errors so far, those that are only counted among them.</summary>
    public int Count { get; private set; }

    /// <summary>Adds one error; beyond the first hundred they are only counted.</summary>
    /// <param name="type">Kind of error, for example <c>missing</c>.</param>
    /// <param name="message">Text.</param>
    /// <param name="input">The offending value as JSON; empty stands for null.</param>
    /// <param name="context">Name and value of the entry in <c>ctx</c>, if any: a number, a text, or an empty object when the value is
    /// null.</param>
    /// <param name="location"><c>body</c>, <c>query</c> or <c>path</c>, then names and indexes.</param>
    public void Add(string type, string message, ReadOnlySpan<byte> input, (string Name, object? Value)? context,
        params ReadOnlySpan<object> location)
    {
        if (++Count > Most) return;
        if (Count == 1 && _json is null) Begin();
        _json!.WriteStartObject();
        _json.WriteString("type", type);
        _json.WriteStartArray("loc");
        foreach (var part in location)
            if (part is int index) _json.WriteNumberValue(index);
            else _json.WriteStringValue(Shown((string)part));
        _json.WriteEndArray();
        _json.WriteString("msg", message);
        _json.WritePropertyName("input");
        WriteInput(input, type == Unknown ? ShownUnknown : ShownInput);
        if (context is { } ctx)
        {
            _json.WriteStartObject("ctx");
            _json.WritePropertyName(ctx.Name);
            switch (ctx.Value)
            {
                case int number: _json.WriteNumberValue(number); break;
                case string text: _json.WriteStringValue(text); break;
                default:
                    _json.WriteStartObject();
                    _json.WriteEndObject();
                    break;
            }

            _json.WriteEndObject();
        }

        _json.WriteEndObject();
    }

    /// <summary>A field that nobody asked for (contract 0.7).</summary>
    public void AddUnknown(ReadOnlySpan<byte> input, params ReadOnlySpan<object> location) =>
        Add(Unknown, "Extra inputs are not permitted", input, null, location);

    /// <summary>A rule of ours is violated.</summary>
    public void AddRule(string rule, ReadOnlySpan<byte> input, params ReadOnlySpan<object> location) =>
        Add("value_error", $"Value error, {rule}", input, ("error", null), location);

    /// <summary>Ends the request when anything was wrong.</summary>
    public void ThrowIfAny()
    {
        if (Count > 0) throw ToException();
    }

    public InvalidFieldsException ToException()
    {
        if (Count > Most)
        {
            var more = Count - Most;
            Count = 0;
            Add("too_many_errors", $"and {more} more", default, ("errors", more), "body");
        }

        _json.WriteEndArray();
        _json.WriteEndObject();
        _json.Flush();
        return new(_buffer.WrittenMemory);
    }

    private void Begin()
    {
        _buffer = new(512);
        _json = new(_buffer, Wire.WriterOptions);
        _json.WriteStartObject();
        _json.WriteStartArray("detail");
    }

    // What a client sent is shown back, but not megabytes of it, and nothing that its own reader would stumble over.
    private void WriteInput(ReadOnlySpan<byte> input, int shown)
    {
        if (input.IsEmpty) _json.WriteNullValue();
        else if (input.Length > shown) _json.WriteStringValue("(too long to show)");
        else if (IsDeep(input)) _json.WriteStringValue("(nested too deeply to show)");
        // It was read before: no need to look at it again.
        else _json.WriteRawValue(input, skipInputValidation: true);
    }

    private static bool IsDeep(ReadOnlySpan<byte> input)
    {
        if (input[0] is not ((byte)'[' or (byte)'{')) return false;
        var reader = new Utf8JsonReader(input, new JsonReaderOptions { MaxDepth = ShownInput });
        while (reader.Read())
            if (reader.CurrentDepth >= ShownDepth) return true;
        return false;
    }

    private static string Shown(string name) =>
        name.Length <= ShownName ? name
        : string.Concat(name.AsSpan(0, char.IsHighSurrogate(name[ShownName - 1]) ? ShownName - 1 : ShownName), "…");
}

/// <summary>Ends a request with status 422 and a ready body.</summary>
internal sealed class InvalidFieldsException(ReadOnlyMemory<byte> body) : Exception("Invalid fields")
{
    public ReadOnlyMemory<byte> Body { get; } = body;
}
