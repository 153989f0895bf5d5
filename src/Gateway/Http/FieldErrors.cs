using System.Buffers;
using System.Text.Json;

namespace Beadhub.Gateway.Http;

/// <summary>Collects what is wrong with a request's fields, for a 422 whose <c>detail</c> is a list (contract 0.2).</summary>
internal sealed class FieldErrors
{
    private readonly ArrayBufferWriter<byte> _buffer = new(512);
    private readonly Utf8JsonWriter _json;

    public FieldErrors()
    {
        _json = new(_buffer, Wire.WriterOptions);
        _json.WriteStartObject();
        _json.WriteStartArray("detail");
    }

    public int Count { get; private set; }

    /// <summary>Adds one error.</summary>
    /// <param name="type">Kind of error, for example <c>missing</c>.</param>
    /// <param name="message">Text.</param>
    /// <param name="input">The offending value as JSON; empty stands for null.</param>
    /// <param name="context">Name and value of the entry in <c>ctx</c>, if any: a number, a text, or an empty object when the value is null.</param>
    /// <param name="location"><c>body</c>, <c>query</c> or <c>path</c>, then names and indexes.</param>
    public void Add(string type, string message, ReadOnlySpan<byte> input, (string Name, object? Value)? context, params ReadOnlySpan<object> location)
    {
        Count++;
        _json.WriteStartObject();
        _json.WriteString("type", type);
        _json.WriteStartArray("loc");
        foreach (var part in location)
            if (part is int index) _json.WriteNumberValue(index);
            else _json.WriteStringValue((string)part);
        _json.WriteEndArray();
        _json.WriteString("msg", message);
        _json.WritePropertyName("input");
        WriteInput(input);
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
        _json.WriteEndArray();
        _json.WriteEndObject();
        _json.Flush();
        return new(_buffer.WrittenMemory);
    }

    private void WriteInput(ReadOnlySpan<byte> input)
    {
        // What a client sent is shown back, but not megabytes of it.
        const int shown = 4096;
        if (input.IsEmpty) _json.WriteNullValue();
        else if (input.Length > shown) _json.WriteStringValue("(too long to show)");
        else _json.WriteRawValue(input);
    }
}

/// <summary>Ends a request with status 422 and a ready body.</summary>
internal sealed class InvalidFieldsException(ReadOnlyMemory<byte> body) : Exception("Invalid fields")
{
    public ReadOnlyMemory<byte> Body { get; } = body;
}
