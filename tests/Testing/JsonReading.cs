using System.Text.Json;

namespace Beadhub.Testing;

/// <summary>Short ways to read an answer; a missing field is an exception that shows the object.</summary>
public static class JsonReading
{
    public static JsonElement At(this JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value)
            ? value
            : throw new InvalidOperationException($"No '{name}' in {json}");

    public static JsonElement At(this JsonElement json, string name, params string[] path) => path.Aggregate(json.At(name), At);

    public static bool Has(this JsonElement json, string name) => json.TryGetProperty(name, out _);

    public static bool IsNull(this JsonElement json, string name) => json.At(name).ValueKind == JsonValueKind.Null;

    /// <summary>The text, or null where the field is null.</summary>
    public static string? Maybe(this JsonElement json, string name) => json.IsNull(name) ? null : json.Text(name);

    public static string Text(this JsonElement json, string name) =>
        json.At(name) is { ValueKind: JsonValueKind.String } value
            ? value.GetString()!
            : throw new InvalidOperationException($"'{name}' is no text in {json}");

    public static int Number(this JsonElement json, string name) => json.At(name).GetInt32();

    public static bool Flag(this JsonElement json, string name) => json.At(name).GetBoolean();

    public static JsonElement[] Items(this JsonElement json, string name) => [.. json.At(name).EnumerateArray()];

    public static string[] Texts(this JsonElement json, string name) => [.. json.Items(name).Select(item => item.GetString()!)];

    /// <summary>One field of every object of a list.</summary>
    public static string[] Pluck(this JsonElement json, string list, string field) =>
        [.. json.Items(list).Select(item => item.Text(field))];

    /// <summary>The object of a list whose field has this value.</summary>
    public static JsonElement Find(this JsonElement json, string list, string field, string value) =>
        json.Items(list).Where(item => item.Text(field) == value).Select(item => (JsonElement?)item).SingleOrDefault()
        ?? throw new InvalidOperationException($"No {field} '{value}' in {json}");

    /// <summary>What a request has made: the body of a 201.</summary>
    public static async Task<JsonElement> Made(this Task<Answer> answer) =>
        await answer is var made && made.Status == 201 ? made.Json : throw new InvalidOperationException($"Expected 201: {made}");

    public static async Task<JsonElement> Ok(this Task<Answer> answer) => (await answer).Ok();
}
