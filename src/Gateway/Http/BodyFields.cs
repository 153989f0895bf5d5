using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Unicode;

namespace Beadhub.Gateway.Http;

/// <summary>
/// The fields of a JSON object body, read once and checked as they are asked for. Everything wrong with them is collected and answered
/// in one 422 by the request, before authentication (contract 0.3).
/// </summary>
internal sealed class BodyFields : IDisposable
{
    // Deeper text is refused by the rules of the field that holds it, not by the reader of the body.
    private static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = 1_000_000 };

    // Far more than any request has; each costs memory before anybody knows who sent it.
    private const int MostFields = 1000;
    private const int MaxName = 4096;

    /// <summary>Elements of a list of texts, where its field does not say otherwise.</summary>
    public const int MostTexts = 1000;

    // Large bodies are gone through only so many at a time, and not on the threads that serve the sockets: others wait for none of them.
    private const int Large = 1024 * 1024;
    private static readonly SemaphoreSlim LargeTurns = new(Math.Max(1, Environment.ProcessorCount / 2));

    private readonly RequestBody _request;
    private readonly Dictionary<string, Range> _fields = [];
    private readonly FieldErrors _errors;

    private BodyFields(RequestBody request, FieldErrors errors) => (_request, _errors) = (request, errors);

    public FieldErrors Errors => _errors;

    private ReadOnlySpan<byte> Body => _request.Bytes.Span;

    /// <summary>Reads the body. A body that is missing (unless it may), not JSON, or not an object ends the request with 422.</summary>
    /// <param name="http">The request.</param>
    /// <param name="mayBeMissing">Whether it may be missing.</param>
    /// <param name="errors">Where what is wrong is collected.</param>
    public static async ValueTask<BodyFields> Read(HttpContext http, bool mayBeMissing, FieldErrors errors)
    {
        var request = http.Request;
        if (request.ContentType is { Length: > 0 } type && !IsJson(type))
            throw Invalid("model_attributes_type", "Input should be a valid dictionary or object to extract fields from", []);
        var fields = new BodyFields(await RequestBody.Read(request), errors);
        try
        {
            if (fields._request.Bytes.Length > Large) await fields.IndexInTurn(http.RequestAborted);
            else if (!mayBeMissing || !fields.Body.IsEmpty) fields.Index();
            return fields;
        }
        catch
        {
            fields.Dispose();
            throw;
        }
    }

    /// <summary>A body without a field.</summary>
    public static BodyFields Empty(FieldErrors errors) => new(RequestBody.Empty(), errors);

    public bool Has(string name) => _fields.ContainsKey(name) && !IsNull(name);

    /// <summary>Whether the body names the field, be it as null.</summary>
    public bool Mentions(string name) => _fields.ContainsKey(name);

    /// <summary>Refuses fields that are not among these (contract 0.7).</summary>
    public void Only(params ReadOnlySpan<string> known)
    {
        foreach (var (name, range) in _fields)
            if (!known.Contains(name)) _errors.AddUnknown(Raw(range), "body", name);
    }

    /// <summary>A text that must be there.</summary>
    public string Required(string name, int min = 0, int max = int.MaxValue)
    {
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
            _errors.Add("string_too_long", $"String should have at most {max} character{(max == 1 ? "" : "s")}", Raw(range),
                ("max_length", max), "body", name);
            return null;
        }

        if (text.Length < min)
        {
            _errors.Add("string_too_short", $"String should have at least {min} character{(min == 1 ? "" : "s")}", Raw(range),
                ("min_length", min), "body", name);
            return null;
        }

        return text;
    }

    /// <summary>A text that may be absent, but not null.</summary>
    public string TextOr(string name, string otherwise, int max)
    {
        return _fields.ContainsKey(name) ? Required(name, 0, max) : otherwise;
    }

    /// <summary>One of several texts; it may be absent, but not null.</summary>
    public string Choice(string name, string otherwise, params ReadOnlySpan<string> choices)
    {
        if (!_fields.TryGetValue(name, out var range)) return otherwise;
        var reader = new Utf8JsonReader(Raw(range), ReaderOptions);
        reader.Read();
        if (reader.TokenType == JsonTokenType.String)
        {
            var text = Text(ref reader);
            foreach (var choice in choices)
                if (text == choice) return choice;
        }

        FailLiteral(name, Raw(range), choices);
        return otherwise;
    }

    /// <summary>
    /// A text as UTF-8, for large ones; empty when it is absent or null. The length is limited in code points. The bytes are the caller's:
    /// who waits for a grain may have to give up before the grain has read them, and rented ones would hold another request's body by then.
    /// </summary>
    public ImmutableArray<byte> Utf8Text(string name, int max)
    {
        if (!_fields.TryGetValue(name, out var range) || IsNull(name)) return [];
        if (Raw(range) is not [(byte)'"', .. var escaped, (byte)'"'])
        {
            _errors.Add("string_type", "Input should be a valid string", Raw(range), null, "body", name);
            return [];
        }

        byte[] text;
        try
        {
            text = JsonText.Unescape(escaped);
        }
        catch (InvalidOperationException)
        {
            throw NotJson(range.Start.Value, "Invalid surrogate pair");
        }

        if (text.Length > max && CountCodePoints(text) > max)
        {
            _errors.Add("string_too_long", $"String should have at most {max} characters", Raw(range), ("max_length", max), "body", name);
            return [];
        }

        return ImmutableCollectionsMarshal.AsImmutableArray(text);
    }

    /// <summary>A whole number, or null. Texts of digits pass, as clients send them.</summary>
    public int? Integer(string name, int min, int max)
    {
        if (!_fields.TryGetValue(name, out var range) || IsNull(name)) return null;
        var reader = new Utf8JsonReader(Raw(range), ReaderOptions);
        reader.Read();
        long number;
        var read = reader.TokenType switch
        {
            JsonTokenType.Number => reader.TryGetInt64(out number) || Integral(reader, out number),
            JsonTokenType.String =>
                long.TryParse(Text(ref reader),
                NumberStyles.AllowLeadingSign | NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite,
                CultureInfo.InvariantCulture, out number),
            _ => (number = 0) > 0,
        };
        if (!read)
        {
            if (reader.TokenType == JsonTokenType.String)
                _errors.Add("int_parsing", "Input should be a valid integer, unable to parse string as an integer", Raw(range), null,
                    "body", name);
            else _errors.Add("int_type", "Input should be a valid integer", Raw(range), null, "body", name);
            return null;
        }

        if (number < min)
            _errors.Add("greater_than_equal", $"Input should be greater than or equal to {min}", Raw(range), ("ge", min), "body", name);
        else if (number > max)
            _errors.Add("less_than_equal", $"Input should be less than or equal to {max}", Raw(range), ("le", max), "body", name);
        else return (int)number;
        return null;
    }

    /// <summary>A short list of short texts; empty when it is absent or null.</summary>
    public List<string> Words(string name, int maxCount, int maxLength)
    {
        var words = _fields.ContainsKey(name) && IsNull(name) ? [] : Texts(name, maxCount);
        for (var i = 0; i < words.Count; i++)
        {
            var word = words[i];
            var raw = Raw(_fields[name]);
            if (word.Length > maxLength && Names.CodePoints(word) > maxLength)
                _errors.Add("string_too_long", $"String should have at most {maxLength} characters", raw, ("max_length", maxLength), "body",
                    name, i);
            else if (word.Contains('\0'))
                _errors.AddRule($"{name} must not contain NUL characters", raw, "body", name, i);
        }

        return words;
    }

    /// <summary>A whole number without an upper limit: what is beyond the range of 64 bits counts as its end. Null is no number
    /// here.</summary>
    public long AtLeast(string name, int min, long otherwise)
    {
        if (!_fields.TryGetValue(name, out var range)) return otherwise;
        var reader = new Utf8JsonReader(Raw(range), ReaderOptions);
        reader.Read();
        var text = reader.TokenType switch
        {
            JsonTokenType.Number => System.Text.Encoding.ASCII.GetString(reader.ValueSpan),
            JsonTokenType.String => Text(ref reader).Trim(),
            _ => null,
        };
        var isText = reader.TokenType == JsonTokenType.String;
        var whole = text is not null
            && (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            || Beyond(text, isText, out number))
            ? number
            : (long?)null;
        if (whole is null && isText)
            _errors.Add("int_parsing", "Input should be a valid integer, unable to parse string as an integer", Raw(range), null, "body",
                name);
        else if (whole is null) _errors.Add("int_type", "Input should be a valid integer", Raw(range), null, "body", name);
        else if (whole < min)
            _errors.Add("greater_than_equal", $"Input should be greater than or equal to {min}", Raw(range), ("ge", min), "body", name);
        else return whole.Value;
        return otherwise;

        static bool Beyond(string text, bool isText, out long number)
        {
            // Digits only in a text; a number may also be written as 60.0 or 1e12.
            var style = isText ? NumberStyles.AllowLeadingSign : NumberStyles.Float;
            var ok = double.TryParse(text, style, CultureInfo.InvariantCulture, out var value) && value == Math.Truncate(value);
            number = !ok ? 0 : value >= long.MaxValue ? long.MaxValue : value <= long.MinValue ? long.MinValue : (long)value;
            return ok;
        }
    }

    /// <summary>A truth value; it may be absent, but not null. Texts and 0 and 1 pass, as clients send them.</summary>
    public bool Flag(string name, bool otherwise = false)
    {
        return _fields.TryGetValue(name, out var range) ? Truth(name, Raw(range), otherwise) : otherwise;
    }

    /// <summary>A truth value that must be there.</summary>
    public bool RequiredFlag(string name)
    {
        if (_fields.TryGetValue(name, out var range)) return Truth(name, Raw(range), false);
        _errors.Add("missing", "Field required", Body, null, "body", name);
        return false;
    }

    /// <summary>A text that is one of a few, or null when it is absent or, unless it is required, null.</summary>
    public string? OneOf(string name, ReadOnlySpan<string> words, bool required = false)
    {
        var text = required ? Required(name) : Optional(name);
        if (text is null || words.Contains(text)) return text;
        // What is not a text was said already.
        if (!_fields.TryGetValue(name, out var range) || Raw(range) is not [(byte)'"', ..]) return null;
        FailLiteral(name, Raw(range), words);
        return null;
    }

    /// <summary>
    /// A JSON object as it was sent, to be kept and shown again; null when it is absent. What no store or reader could take is refused:
    /// texts with NUL or half a surrogate pair, and depth.
    /// </summary>
    /// <param name="name">The field.</param>
    /// <param name="maxBytes">Largest size.</param>
    /// <param name="maxDepth">How deep objects and lists may lie in each other.</param>
    /// <param name="mayBeNull">Whether null stands for its absence.</param>
    /// <param name="required">Whether it must be there.</param>
    public string? Object(string name, int maxBytes, int maxDepth, bool mayBeNull = false, bool required = false)
    {
        if (!_fields.TryGetValue(name, out var range) || (mayBeNull && IsNull(name)))
        {
            if (required) _errors.Add("missing", "Field required", default, null, "body", name);
            return null;
        }

        var raw = Raw(range);
        var reader = new Utf8JsonReader(raw, ReaderOptions);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            _errors.Add("dict_type", "Input should be a valid dictionary", raw, null, "body", name);
            return null;
        }

        if (raw.Length > maxBytes)
        {
            Fail(name, $"{name} is too large: at most {maxBytes} bytes");
            return null;
        }

        while (reader.Read())
        {
            if (reader.CurrentDepth >= maxDepth)
            {
                Fail(name, $"{name} is too deep: at most {maxDepth} levels");
                return null;
            }

            if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName) || !Text(ref reader).Contains('\0')) continue;
            Fail(name, $"{name} must not contain NUL characters");
            return null;
        }

        return System.Text.Encoding.UTF8.GetString(raw);
    }

    /// <summary>A list of texts that must be there.</summary>
    public List<string> RequiredTexts(string name, int most = MostTexts)
    {
        if (!_fields.ContainsKey(name)) _errors.Add("missing", "Field required", Body, null, "body", name);
        var texts = Texts(name, most);
        if (texts.Count == 0 && _errors.Count == 0)
            _errors.Add("too_short", "List should have at least 1 item after validation, not 0", Raw(_fields[name]), ("min_length", 1),
                "body", name);
        return texts;
    }

    /// <summary>A list of texts; empty when it is absent. A longer one is refused, and not read further.</summary>
    public List<string> Texts(string name, int most = MostTexts)
    {
        List<string> texts = [];
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
            if (i == most)
            {
                AddTooLong(name, most);
                break;
            }

            if (reader.TokenType == JsonTokenType.String)
            {
                texts.Add(Text(ref reader));
                continue;
            }

            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            _errors.Add("string_type", "Input should be a valid string", Raw(range)[start..(int)reader.BytesConsumed], null, "body", name,
                i);
        }

        return texts;
    }

    /// <summary>
    /// A list of objects as JSONL, one a line; what is not an object is left out and answered with 422. Each is its own JSON as it came, on
    /// one line. The bytes are the caller's.
    /// </summary>
    public ImmutableArray<byte> ObjectLines(string name, int maxElements, Action onTooMany)
    {
        if (!_fields.TryGetValue(name, out var range))
        {
            _errors.Add("missing", "Field required", Body, null, "body", name);
            return [];
        }

        var raw = Raw(range);
        var reader = new Utf8JsonReader(raw, ReaderOptions);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            _errors.Add("list_type", "Input should be a valid list", raw, null, "body", name);
            return [];
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

        return [.. lines.WrittenSpan];
    }

    /// <summary>A field of any type; null when it is absent.</summary>
    public JsonElement? Json(string name)
    {
        if (!_fields.TryGetValue(name, out var range)) return null;
        try
        {
            using var document = JsonDocument.Parse(_request.Bytes[range], new() { MaxDepth = 128 });
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            throw NotJson(range.Start.Value, "Nested too deeply");
        }
    }

    /// <summary>A rule of ours is violated by this field.</summary>
    public void Fail(string name, string rule) =>
        _errors.AddRule(rule, _fields.TryGetValue(name, out var range) ? Raw(range) : default, "body", name);

    /// <summary>Gives the body's memory back: large texts handed out are gone with it.</summary>
    public void Dispose() => _request.Dispose();

    private void AddTooLong(string name, int most) =>
        _errors.Add("too_long", $"List should have at most {most} items", Raw(_fields[name]), ("max_length", most), "body", name);

    private void FailLiteral(string name, ReadOnlySpan<byte> raw, ReadOnlySpan<string> words)
    {
        var quoted = words.ToArray().Select(word => $"'{word}'").ToArray();
        var expected = quoted.Length == 1 ? quoted[0] : $"{string.Join(", ", quoted[..^1])} or {quoted[^1]}";
        _errors.Add("literal_error", $"Input should be {expected}", raw, ("expected", expected), "body", name);
    }

    private bool Truth(string name, ReadOnlySpan<byte> raw, bool otherwise)
    {
        var reader = new Utf8JsonReader(raw, ReaderOptions);
        reader.Read();
        switch (reader.TokenType)
        {
            case JsonTokenType.True: return true;
            case JsonTokenType.False: return false;
            case JsonTokenType.Number when reader.TryGetInt32(out var number) && number is 0 or 1: return number == 1;
            case JsonTokenType.String when QueryFields.Truth(Text(ref reader)) is { } flag: return flag;
            case JsonTokenType.Number or JsonTokenType.String:
                _errors.Add("bool_parsing", "Input should be a valid boolean, unable to interpret input", raw, null, "body", name);
                return otherwise;
            default:
                _errors.Add("bool_type", "Input should be a valid boolean", raw, null, "body", name);
                return otherwise;
        }
    }

    private static bool IsJson(string contentType)
    {
        var semicolon = contentType.IndexOf(';');
        var media = (semicolon < 0 ? contentType : contentType[..semicolon]).Trim();
        return media.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            || media.EndsWith("+json", StringComparison.OrdinalIgnoreCase);
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

    private async Task IndexInTurn(CancellationToken cancellation)
    {
        await LargeTurns.WaitAsync(cancellation);
        try
        {
            await Task.Run(Index, cancellation);
        }
        finally
        {
            LargeTurns.Release();
        }
    }

    private void Index()
    {
        var body = Body;
        if (body.IsEmpty) throw Invalid("missing", "Field required", []);
        if (!Utf8.IsValid(body)) throw NotJson(0, "Invalid UTF-8");
        var reader = new Utf8JsonReader(body, ReaderOptions);
        var begun = 0; // where in the body the reader began
        try
        {
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                var end = (int)reader.BytesConsumed;
                while (reader.Read()) { }
                throw Invalid("model_attributes_type", "Input should be a valid dictionary or object to extract fields from",
                    body[start..end]);
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueSpan.Length > MaxName)
                    throw Invalid("too_long", $"The name of a field should have at most {MaxName} bytes", []);
                var name = Text(ref reader);
                if (LargeString(body, begun + (int)reader.BytesConsumed) is { } text)
                {
                    _fields[name] = text;
                    begun = text.End.Value;
                    reader = AfterString(reader.CurrentState, body[begun..]);
                }
                else
                {
                    reader.Read();
                    var start = begun + (int)reader.TokenStartIndex;
                    reader.Skip();
                    _fields[name] = start..(begun + (int)reader.BytesConsumed);
                }

                if (_fields.Count > MostFields) throw Invalid("too_long", $"Object should have at most {MostFields} fields", []);
            }

            // Anything after the object is not JSON.
            while (reader.Read()) { }
        }
        catch (JsonException e)
        {
            throw NotJson(begun + (int)reader.BytesConsumed, Why(e));
        }
    }

    /// <summary>Where the string stands that begins here, when so much is left that it may be worth looking for its end; what is wrong
    /// with it is left to the reader to say.</summary>
    private static Range? LargeString(ReadOnlySpan<byte> body, int from)
    {
        if (body.Length - from < Large) return null;
        var start = from + body[from..].IndexOfAnyExcept(" \t\r\n"u8);
        return start >= from && body[start] == '"' && JsonText.StringLength(body[start..]) is > 0 and var length
            ? start..(start + length)
            : null;
    }

    /// <summary>A reader that goes on after a string, as if it had read that itself.</summary>
    private static Utf8JsonReader AfterString(JsonReaderState beforeString, ReadOnlySpan<byte> rest)
    {
        var another = new Utf8JsonReader("\"\""u8, isFinalBlock: false, beforeString);
        another.Read();
        return new(rest, isFinalBlock: true, another.CurrentState);
    }

    private static string Why(JsonException e)
    {
        var position = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return position < 0 ? e.Message : e.Message[..position];
    }
}
