using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;

namespace Beadhub.Gateway.Mcp;

/// <summary>A call of a tool: who calls, and with which arguments. An argument that is null is not given; one of the wrong type is refused
/// with 422.</summary>
internal sealed class ToolCall(HttpContext http, ProjectIdentity who, JsonElement? arguments)
{
    private IReadOnlyDictionary<string, JsonElement> _own = System.Collections.Frozen.FrozenDictionary<string, JsonElement>.Empty;

    /// <summary>Name of the argument that every writing tool takes: what <c>Idempotency-Key</c> is over HTTP.</summary>
    public const string IdempotencyKeyArgument = "idempotency_key";

    /// <summary>The request.</summary>
    public HttpContext Http => http;

    /// <summary>The caller.</summary>
    public ProjectIdentity Who => who;

    /// <summary>The caller's name for this call, if it has one.</summary>
    public string? IdempotencyKey => Text(IdempotencyKeyArgument);

    /// <summary>Tells the client how far a long call has come: the seconds it has taken, those it may take, and a sentence.</summary>
    public Func<double, double, string, Task> Progress { get; init; } = static (_, _, _) => Task.CompletedTask;

    /// <summary>Ends when the client has left or does not want the answer any more.</summary>
    public CancellationToken Ended { get; init; }

    /// <summary>The names of the arguments that were given.</summary>
    public IEnumerable<string> Given => arguments is { ValueKind: JsonValueKind.Object } all
        ? all.EnumerateObject().Where(argument => argument.Value.ValueKind != JsonValueKind.Null).Select(argument => argument.Name) : [];

    /// <summary>The same call within another request, from which the ids of what it creates follow.</summary>
    public ToolCall Within(HttpContext inner) => new(inner, who, arguments) { _own = _own };

    /// <summary>The same call, with what follows from the caller for arguments that say who that is, where they are not given.</summary>
    public ToolCall Knowing(IReadOnlyDictionary<string, JsonElement> own) =>
        new(http, who, arguments) { _own = own, Progress = Progress, Ended = Ended };

    /// <summary>The arguments but for the key: the same key may not be used for something else.</summary>
    public ReadOnlyMemory<byte> Fingerprint()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (arguments is { ValueKind: JsonValueKind.Object } all)
                foreach (var argument in all.EnumerateObject().Where(argument => argument.Name != IdempotencyKeyArgument))
                {
                    json.WritePropertyName(argument.Name);
                    json.WriteRawValue(argument.Value.GetRawText(), skipInputValidation: true);
                }

            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    /// <summary>An argument as it was sent; null when it was not.</summary>
    public JsonElement? Value(string name) =>
        arguments is { ValueKind: JsonValueKind.Object } all && all.TryGetProperty(name, out var value)
            && value.ValueKind != JsonValueKind.Null ? value : _own.TryGetValue(name, out var own) ? own : null;

    /// <summary>Refuses a call without the argument.</summary>
    public void MustHave(string name)
    {
        if (Value(name) is null) throw ApiException.Unprocessable($"{name} is required");
    }

    /// <summary>A text, or null.</summary>
    public string? Text(string name) =>
        Value(name) is not { } value ? null : value.ValueKind == JsonValueKind.String ? Read(name, value) : throw Wrong(name, "a string");

    /// <summary>A text that must be given and not be blank.</summary>
    public string Required(string name) =>
        Text(name) is { } text && !string.IsNullOrWhiteSpace(text) ? text : throw ApiException.Unprocessable($"{name} is required");

    /// <summary>A text that people read: given and without NUL characters.</summary>
    public string Prose(string name) =>
        Required(name) is var text && !text.Contains('\0', StringComparison.Ordinal)
            ? text : throw ApiException.Unprocessable($"{name} must not contain NUL characters");

    /// <summary>A whole number; texts of digits pass.</summary>
    public int Integer(string name, int otherwise, int min, int max)
    {
        if (Value(name) is not { } value) return otherwise;
        if (!int.TryParse(AsText(name, value), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            throw Wrong(name, "an integer");
        return number >= min && number <= max ? number : throw ApiException.Unprocessable($"{name} must be from {min} to {max}");
    }

    /// <summary>A truth value.</summary>
    public bool Flag(string name, bool otherwise) =>
        Value(name) is not { } value ? otherwise : AsText(name, value).ToLowerInvariant() switch
    {
        "true" or "1" => true,
        "false" or "0" => false,
        _ => throw Wrong(name, "a boolean"),
    };

    /// <summary>A list of texts; one text alone is a list of it.</summary>
    public ImmutableArray<string> Texts(string name)
    {
        if (Value(name) is not { } value) return [];
        if (value.ValueKind == JsonValueKind.String) return [Read(name, value)];
        if (value.ValueKind != JsonValueKind.Array) throw Wrong(name, "a list of strings");
        return [.. value.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.String ? Read(name, item)
            : throw Wrong(name, "a list of strings"))];
    }

    /// <summary>A UUID that must be given.</summary>
    public string Uuid(string name) =>
        Names.TryNormalizeUuid(Required(name), out var uuid) ? uuid : throw ApiException.Unprocessable($"Invalid {name} format");

    /// <summary>An argument as a part of a path.</summary>
    public string PathPart(string name)
    {
        MustHave(name);
        var text = AsText(name, Value(name)!.Value);
        if (text.Length == 0 || text.Any(char.IsControl) || text is "." or "..") throw ApiException.Unprocessable($"Invalid {name} format");
        // As a web server leaves a slash that is part of a name.
        return text.Replace("/", "%2F", StringComparison.Ordinal);
    }

    /// <summary>An argument as a query shows it: a list with commas between its items.</summary>
    public string AsText(string name, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => Read(name, value),
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        JsonValueKind.Array => string.Join(',', Texts(name)),
        _ => throw Wrong(name, "a string"),
    };

    private static string Read(string name, JsonElement text)
    {
        try
        {
            return text.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw ApiException.Unprocessable($"{name} is no valid text");
        }
    }

    private static ApiException Wrong(string name, string type) => ApiException.Unprocessable($"{name} must be {type}");
}
