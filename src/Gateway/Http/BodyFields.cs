using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.Unicode;

namespace Beadhub.Gateway.Http;

/// <summary>
/// The fields of a JSON object body, read once and checked as they are asked for. Everything wrong with them is collected and answered
/// in one 422 by <see cref="Done"/>, before authentication (contract 0.3).
/// </summary>
internal sealed class BodyFields : IDisposable
{
    // Deeper text is refused by the rules of the field that holds it, not by the reader of the body.
    private static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = 1_000_000 };

    private readonly RequestBody _request;
    private readonly Dictionary<string, Range> _fields = [];
    private readonly FieldErrors _errors = new();

    private readonly FieldNotes? _notes;

    private BodyFields(RequestBody request, FieldNotes? notes = null) => (_request, _notes) = (request, notes);

    public FieldErrors Errors => _errors;

    private ReadOnlySpan<byte> Body => _request.Bytes.Span;

    /// <summary>Reads the body. A body that is missing, not JSON, or not an object ends the request with 422.</summary>
    public static async ValueTask<BodyFields> Read(HttpContext http)
    {
        var request = http.Request;
        if (FieldNotes.Of(http) is { } notes)
        {
            notes.HasBody = true;
            return new(RequestBody.Empty(), notes);
        }

        if (request.ContentType is { Length: > 0 } type && !IsJson(type))
            throw Invalid("model_attributes_type", "Input should be a valid dictionary or object to extract fields from", []);
        var fields = new BodyFields(await RequestBody.Read(request));
        try
        {
            fields.Index();
            return fields;
        }
        catch
        {
            fields.Dispose();
            throw;
        }
    }

    public bool Has(string name) => _fields.ContainsKey(name) && !IsNull(name);

    /// <summary>Refuses fields that are not among these (contract 0.7).</summary>
    public void Only(params ReadOnlySpan<string> known)
    {
        if (_notes is not null) _notes.IsStrict = true;
        foreach (var (name, range) in _fields)
            if (!known.Contains(name)) _errors.Add("extra_forbidden", "Extra inputs are not permitted", Raw(range), null, "body", name);
    }

    /// <summary>A text that must be there.</summary>
    public string Required(string name, int min = 0, int max = int.MaxValue)
    {
        _notes?.NoteBody(FieldNote.Text(name, required: true, min, max));
        if (_fields.ContainsKey(name))
        {
            if (!IsNull(name)) return Optional(name, min, max) ?? "";
            _errors.Add("string_type", "Input should be a valid string", Raw(_fields[name]), null, "body", name);
            return "";
        }

        _errors.Add("missing", "Field required", Body, null, "body", name);
        return "";
    }

    /// <summary>A text, or null when it is absent or null. Lengths are in code points.</summary>
    public string? Optional(string name, int min = 0, int max = int.MaxValue)
    {
        _notes?.NoteBody(FieldNote.Text(name, required: false, min, max));
        if (!_fields.TryGetValue(name, out var range) || IsNull(name)) return null;
        var reader = new Utf8JsonReader(Raw(range), ReaderOptions);
        reader.Read();
        if (reader.TokenType != JsonTokenType.String)
        {
            _errors.Add("string_type", "Input should be a valid string", Raw(range), null, "body", name);
            return null;
        }

        // Far too long for its limit: not worth decoding.
        var text = reader.ValueSpan.Length > (long)max * 12 ? null : Text(ref reader);
        if (text is null || (text.Length > max && Names.CodePoints(text) > max))
        {
            _errors.Add("string_too_long", $"String should have at most {max} character{(max == 1 ? "" : "s")}", Raw(range), ("max_length", max), "body", name);
            return null;
        }

        if (text.Length < min)
        {
            _errors.Add("string_too_short", $"String should have at least {min} character{(min == 1 ? "" : "s")}", Raw(range), ("min_length", min), "body", name);
            return null;
        }

        return text;
    }

    /// <summary>A text as UTF-8, for large ones; empty when it is absent or null. The length is limited in code points.</summary>
    public ReadOnlyMemory<byte> Utf8Text(string name, int max)
    {
        _notes?.NoteBody(FieldNote.Text(name, required: false, 0, max));
        if (!_fields.TryGetValue(name, out var range) || IsNull(name)) return default;
        var reader = new Utf8JsonReader(Raw(range), ReaderOptions);
        reader.Read();
        if (reader.TokenType != JsonTokenType.String)
        {
            _errors.Add("string_type", "Input should be a valid string", Raw(range), null, "body", name);
            return default;
        }

        var bytes = _request.Rent(reader.ValueSpan.Length);
        int length;
        try
        {
            length = reader.CopyString(bytes);
        }
        catch (InvalidOperationException)
        {
            throw NotJson(range.Start.Value, "Invalid surrogate pair");
        }

        if (length > max && CountCodePoints(bytes.AsSpan(0, length)) > max)
        {
            _errors.Add("string_too_long", $"String should have at most {max} characters", Raw(range), ("max_length", max), "body", name);
            return default;
        }

        return bytes.AsMemory(0, length);
    }

    /// <summary>A whole number, or null. Texts of digits pass, as clients send them.</summary>
    public int? Integer(string name, int min, int max)
    {
        _notes?.NoteBody(FieldNote.Integer(name, required: false, min, max));
        if (!_fields.TryGetValue(name, out var range) || IsNull(name)) return null;
        var reader = new Utf8JsonReader(Raw(range), ReaderOptions);
        reader.Read();
        long number;
        var read = reader.TokenType switch
        {
            JsonTokenType.Number => reader.TryGetInt64(out number) || Integral(reader, out number),
            JsonTokenType.String => long.TryParse(Text(ref reader), NumberStyles.AllowLeadingSign | NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out number),
            _ => (number = 0) > 0,
        };
        if (!read)
        {
            if (reader.TokenType == JsonTokenType.String) _errors.Add("int_parsing", "Input should be a valid integer, unable to parse string as an integer", Raw(range), null, "body", name);
            else _errors.Add("int_type", "Input should be a valid integer", Raw(range), null, "body", name);
            return null;
        }

        if (number < min) _errors.Add("greater_than_equal", $"Input should be greater than or equal to {min}", Raw(range), ("ge", min), "body", name);
        else if (number > max) _errors.Add("less_than_equal", $"Input should be less than or equal to {max}", Raw(range), ("le", max), "body", name);
        else return (int)number;
        return null;
    }

    /// <summary>A truth value; the other one when it is absent. Texts and the numbers 0 and 1 pass, as clients send them.</summary>
    public bool Flag(string name, bool otherwise)
    {
        _notes?.NoteBody(new(name, "boolean"));
        if (!_fields.TryGetValue(name, out var range)) return otherwise;
        var reader = new Utf8JsonReader(Raw(range), ReaderOptions);
        reader.Read();
        switch (reader.TokenType)
        {
            case JsonTokenType.True: return true;
            case JsonTokenType.False: return false;
            case JsonTokenType.Number when reader.TryGetDecimal(out var number) && number is 0 or 1: return number == 1;
            case JsonTokenType.String when reader.ValueSpan.Length <= 64 && Truth(Text(ref reader)) is { } flag: return flag;
            case JsonTokenType.Number or JsonTokenType.String:
                _errors.Add("bool_parsing", "Input should be a valid boolean, unable to interpret input", Raw(range), null, "body", name);
                return otherwise;
            default:
                _errors.Add("bool_type", "Input should be a valid boolean", Raw(range), null, "body", name);
                return otherwise;
        }

        static bool? Truth(string text) => text.ToLowerInvariant() switch
        {
            "true" or "1" or "yes" or "on" or "t" or "y" => true,
            "false" or "0" or "no" or "off" or "f" or "n" => false,
            _ => null,
        };
    }

    /// <summary>A list of texts that must be there.</summary>
    public List<string> RequiredTexts(string name)
    {
        _notes?.NoteBody(new(name, "array", Required: true, Min: 1, Items: "string"));
        if (!_fields.ContainsKey(name)) _errors.Add("missing", "Field required", Body, null, "body", name);
        var texts = Texts(name);
        if (texts.Count == 0 && _errors.Count == 0)
            _errors.Add("too_short", "List should have at least 1 item after validation, not 0", Raw(_fields[name]), ("min_length", 1), "body", name);
        return texts;
    }

    /// <summary>A list of texts; empty when it is absent.</summary>
    public List<string> Texts(string name)
    {
        List<string> texts = [];
        _notes?.NoteBody(new(name, "array", Items: "string"));
        if (!_fields.TryGetValue(name, out var range)) return texts;
        var reader = new Utf8JsonReader(Raw(range), ReaderOptions);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            _errors.Add("list_type", "Input should be a valid list", Raw(range), null, "body", name);
            return texts;
        }

        for (var i = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; i++)
        {
            if (reader.TokenType == JsonTokenType.String)
            {
                texts.Add(Text(ref reader));
                continue;
            }

            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            _errors.Add("string_type", "Input should be a valid string", Raw(range)[start..(int)reader.BytesConsumed], null, "body", name, i);
        }

        return texts;
    }

    /// <summary>
    /// A list of objects as JSONL, one a line; what is not an object is left out and answered with 422.
    /// </summary>
    public ReadOnlyMemory<byte> ObjectLines(string name, int maxElements, Action onTooMany)
    {
        _notes?.NoteBody(new(name, "array", Required: true, Items: "object"));
        if (!_fields.TryGetValue(name, out var range))
        {
            _errors.Add("missing", "Field required", Body, null, "body", name);
            return default;
        }

        var raw = Raw(range);
        var reader = new Utf8JsonReader(raw, ReaderOptions);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            _errors.Add("list_type", "Input should be a valid list", raw, null, "body", name);
            return default;
        }

        var lines = new ArrayBufferWriter<byte>(raw.Length + 16);
        for (var i = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; i++)
        {
            if (i == maxElements) onTooMany();
            var start = (int)reader.TokenStartIndex;
            var isObject = reader.TokenType == JsonTokenType.StartObject;
            reader.Skip();
            var element = raw[start..(int)reader.BytesConsumed];
            if (!isObject)
            {
                _errors.Add("dict_type", "Input should be a valid dictionary", element, null, "body", name, i);
                if (_errors.Count >= 100) break;
                continue;
            }

            // Line breaks can only stand between tokens: within a text they are escaped.
            var line = lines.GetSpan(element.Length + 1);
            element.CopyTo(line);
            line[..element.Length].Replace((byte)'\n', (byte)' ');
            line[..element.Length].Replace((byte)'\r', (byte)' ');
            line[element.Length] = (byte)'\n';
            lines.Advance(element.Length + 1);
        }

        return lines.WrittenMemory;
    }

    /// <summary>A rule of ours is violated by this field.</summary>
    public void Fail(string name, string rule) => _errors.AddRule(rule, _fields.TryGetValue(name, out var range) ? Raw(range) : default, "body", name);

    /// <summary>Gives the body's memory back: large texts handed out are gone with it.</summary>
    public void Dispose() => _request.Dispose();

    /// <summary>Ends the request with 422 when anything was wrong.</summary>
    public void Done()
    {
        if (_notes is not null) throw new NotedException();
        _errors.ThrowIfAny();
    }

    private static bool IsJson(string contentType)
    {
        var semicolon = contentType.IndexOf(';');
        var media = (semicolon < 0 ? contentType : contentType[..semicolon]).Trim();
        return media.Equals("application/json", StringComparison.OrdinalIgnoreCase) || media.EndsWith("+json", StringComparison.OrdinalIgnoreCase);
    }

    private static bool Integral(Utf8JsonReader reader, out long number)
    {
        var ok = reader.TryGetDecimal(out var value) && value == decimal.Truncate(value) && value is >= long.MinValue and <= long.MaxValue;
        number = ok ? (long)value : 0;
        return ok;
    }

    private static int CountCodePoints(ReadOnlySpan<byte> utf8)
    {
        var count = 0;
        foreach (var b in utf8)
            if ((b & 0xC0) != 0x80) count++;
        return count;
    }

    private static InvalidFieldsException NotJson(int offset, string why)
    {
        var errors = new FieldErrors();
        errors.Add("json_invalid", "JSON decode error", "{}"u8, ("error", why), "body", offset);
        return errors.ToException();
    }

    private static InvalidFieldsException Invalid(string type, string message, ReadOnlySpan<byte> input)
    {
        var errors = new FieldErrors();
        errors.Add(type, message, input, null, "body");
        return errors.ToException();
    }

    private ReadOnlySpan<byte> Raw(Range range) => Body[range];

    private bool IsNull(string name) => Raw(_fields[name]) is [(byte)'n', ..];

    // The text of a string token, or the end of the request when it holds half a surrogate pair.
    private static string Text(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw NotJson((int)reader.TokenStartIndex, "Invalid surrogate pair");
        }
    }

    private void Index()
    {
        var body = Body;
        if (body.IsEmpty) throw Invalid("missing", "Field required", []);
        if (!Utf8.IsValid(body)) throw NotJson(0, "Invalid UTF-8");
        var reader = new Utf8JsonReader(body, ReaderOptions);
        try
        {
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                var end = (int)reader.BytesConsumed;
                while (reader.Read()) { }
                throw Invalid("model_attributes_type", "Input should be a valid dictionary or object to extract fields from", body[start..end]);
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = Text(ref reader);
                reader.Read();
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                _fields[name] = start..(int)reader.BytesConsumed;
            }

            // Anything after the object is not JSON.
            while (reader.Read()) { }
        }
        catch (JsonException e)
        {
            throw NotJson((int)reader.BytesConsumed, Why(e));
        }
    }

    private static string Why(JsonException e)
    {
        var position = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return position < 0 ? e.Message : e.Message[..position];
    }
}
