using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Beadhub.Gateway.Http;
using Beadhub.Projects;
using Microsoft.OpenApi;

namespace Beadhub.Gateway.Requests;

/// <summary>Fields of the body. Lengths of texts are in code points.</summary>
internal static class InBody
{
    /// <summary>A text that must be there.</summary>
    public static Field<string> Required(string name, string description, int min = 0, int max = int.MaxValue) =>
        Of(name, Schemas.Text(description, min, max), true, fields => fields.Body.Required(name, min, max));

    /// <summary>A text; null when it is absent or null.</summary>
    public static Field<string?> Optional(string name, string description, int min = 0, int max = int.MaxValue) =>
        Of(name, Schemas.Text(description, min, max), false, fields => fields.Body.Optional(name, min, max));

    /// <summary>A text that may be absent, but not null.</summary>
    public static Field<string> TextOr(string name, string description, string otherwise, int max) =>
        Of(name, Schemas.Text(description, 0, max, otherwise), false, fields => fields.Body.TextOr(name, otherwise, max));

    /// <summary>A trimmed text without control characters; TAB and LF pass where lines are allowed. Null when it is absent.</summary>
    public static Field<string?> Plain(string name, string description, int max, bool linesAllowed = false) =>
        Of(name, Schemas.Text(description, 0, max), false, fields => fields.Body.Plain(name, max, linesAllowed));

    /// <summary>A text that people write, of any characters but NUL; null when it is absent.</summary>
    public static Field<string?> Prose(string name, string description, int max, int min = 0) =>
        Of(name, Schemas.Text(description, min, max), false, fields => fields.Body.Prose(name, max, min));

    /// <summary>Such a text that must be there.</summary>
    public static Field<string> RequiredProse(string name, string description, int min, int max) =>
        Of(name, Schemas.Text(description, min, max), true, fields => fields.Body.RequiredProse(name, min, max));

    /// <summary>A text of a message, which must be there (protocol 21.6, 21.7).</summary>
    public static Field<string> Message(string name, string description, int min = 0) =>
        Of(name, Schemas.Text(description, min, int.MaxValue), true, fields => fields.Body.Message(name, min));

    /// <summary>One of several texts; it may be absent, but not null.</summary>
    public static Field<string> Choice(string name, string description, string otherwise, params string[] words) =>
        Of(name, Schemas.Word(description, words, otherwise), false, fields => fields.Body.Choice(name, otherwise, words));

    /// <summary>One of several texts; null when it is absent or null.</summary>
    public static Field<string?> Word(string name, string description, params string[] words) =>
        Of(name, Schemas.Word(description, words), false, fields => fields.Body.OneOf(name, words));

    /// <summary>One of several texts, which must be there.</summary>
    public static Field<string?> RequiredWord(string name, string description, params string[] words) =>
        Of(name, Schemas.Word(description, words), true, fields => fields.Body.OneOf(name, words, required: true));

    /// <summary>A UUID in any of its usual forms, normalised; null when absent or null.</summary>
    public static Field<string?> Uuid(string name, string description) =>
        Of(name, Schemas.Uuid(description), false, fields => fields.Body.Uuid(name, $"Invalid {name} format"));

    /// <summary>A git remote, with its canonical form; null when absent or empty.</summary>
    public static Field<Origin?> Origin(string name, string description, int max = 2048) =>
        Of(name, Schemas.Origin(description, 0, max), false, fields => fields.Body.Origin(name, required: false, max));

    /// <summary>A git remote that must be there.</summary>
    public static Field<Origin> RequiredOrigin(string name, string description, int max = 2048) =>
        Of(name, Schemas.Origin(description, 1, max), true, fields => fields.Body.Origin(name, required: true, max)!);

    /// <summary>A role, normalised; null when absent or blank.</summary>
    public static Field<string?> Role(string rule = CommonFields.RoleRule) =>
        Of("role", Schemas.Text("What the workspace does for the team: one or two words", 0, 50, example: "developer"), false,
            fields => fields.Body.Role("role", rule));

    /// <summary>A large text as UTF-8; empty when it is absent or null.</summary>
    public static Field<ImmutableArray<byte>> Utf8(string name, string description, int max) =>
        Of(name, Schemas.Text(description, 0, max), false, fields => fields.Body.Utf8Text(name, max));

    /// <summary>A whole number, or null; texts of digits pass.</summary>
    public static Field<int?> Integer(string name, string description, int min, int max) =>
        Of(name, Schemas.Integer(description, min, max), false, fields => fields.Body.Integer(name, min, max));

    /// <summary>A whole number with a default; texts of digits pass.</summary>
    public static Field<int> IntegerOr(string name, string description, int otherwise, int min, int max) =>
        Of(name, Schemas.Integer(description, min, max, otherwise), false, fields => fields.Body.Integer(name, min, max) ?? otherwise);

    /// <summary>A whole number without an upper limit; null is no number here.</summary>
    public static Field<long> AtLeast(string name, string description, int min, int otherwise) =>
        Of(name, Schemas.Integer(description, min, int.MaxValue, otherwise), false, fields => fields.Body.AtLeast(name, min, otherwise));

    /// <summary>A truth value; it may be absent, but not null.</summary>
    public static Field<bool> Flag(string name, string description, bool otherwise = false) =>
        Of(name, Schemas.Flag(description, otherwise), false, fields => fields.Body.Flag(name, otherwise));

    /// <summary>A truth value that must be there.</summary>
    public static Field<bool> RequiredFlag(string name, string description) =>
        Of(name, Schemas.Flag(description), true, fields => fields.Body.RequiredFlag(name));

    /// <summary>A list of texts; empty when it is absent.</summary>
    public static Field<List<string>> Texts(string name, string description, int most = BodyFields.MostTexts) =>
        Of(name, Schemas.Texts(description, 0, most), false, fields => fields.Body.Texts(name, most));

    /// <summary>A list of texts that must be there.</summary>
    public static Field<List<string>> RequiredTexts(string name, string description, int most = BodyFields.MostTexts) =>
        Of(name, Schemas.Texts(description, 1, most), true, fields => fields.Body.RequiredTexts(name, most));

    /// <summary>A short list of short texts; empty when it is absent or null.</summary>
    public static Field<List<string>> Words(string name, string description, int most, int maxLength) =>
        Of(name, Schemas.Texts(description, 0, most, maxLength), false, fields => fields.Body.Words(name, most, maxLength));

    /// <summary>A JSON object as it was sent, to be kept and shown again; null when it is absent.</summary>
    public static Field<string?> Object(string name, string description, int maxBytes, int maxDepth, bool mayBeNull = false,
        bool required = false) =>
        Of(name, Schemas.Object(description), required, fields => fields.Body.Object(name, maxBytes, maxDepth, mayBeNull, required));

    /// <summary>A list of objects as JSONL, one a line; it must be there.</summary>
    public static Field<ImmutableArray<byte>> ObjectLines(string name, string description, int most, Action onTooMany) =>
        Of(name, Schemas.List(description, Schemas.Object(null), 0, most), true, fields => fields.Body.ObjectLines(name, most, onTooMany));

    /// <summary>A field of any type; null when it is absent.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="schema">What it should be.</param>
    public static Field<JsonElement?> Json(string name, OpenApiSchema schema) => Of(name, schema, false, fields => fields.Body.Json(name));

    /// <summary>A field that clients send and nobody reads.</summary>
    public static Field<object?> Unread(string name, string description) =>
        Of<object?>(name, Schemas.Text(description), false, static _ => null);

    /// <summary>The whole body as text, which must not be empty.</summary>
    public static Field<ImmutableArray<byte>> WholeText(string description, int max) =>
        new("body", Place.Text, Schemas.Text(description, 1, max), true, fields =>
        {
            var text = fields.Text.Span;
            if (text.IsEmpty)
                fields.Errors.Add("missing", "Field required", default, null, "body");
            else if (text.Length > max && Encoding.UTF8.GetCharCount(text) > max)
                fields.Errors.Add("string_too_long", $"String should have at most {max} characters", default, ("max_length", max), "body");
            else
                return [.. text];
            return [];
        });

    /// <summary>A field with a reader of its own.</summary>
    public static Field<T> Of<T>(string name, OpenApiSchema schema, bool required, Func<RequestFields, T> read) =>
        new(name, Place.Body, schema, required, read);
}

/// <summary>Query parameters.</summary>
internal static class InQuery
{
    /// <summary>A text; null when it is absent.</summary>
    public static Field<string?> Text(string name, string description, int max = int.MaxValue, int min = 0) =>
        Of(name, Schemas.Text(description, min, max), false, fields => fields.Query.Text(name, max, min));

    /// <summary>A text; null when it is absent or empty.</summary>
    public static Field<string?> Filter(string name, string description, int max = int.MaxValue) =>
        Of(name, Schemas.Text(description, 0, max), false, fields => fields.Query.Text(name, max) is { Length: > 0 } text ? text : null);

    /// <summary>A text that must be there and, unless <paramref name="min"/> is 0, not be empty.</summary>
    public static Field<string> Required(string name, string description, int max = int.MaxValue, int min = 1) =>
        Of(name, Schemas.Text(description, min, max), true, fields => fields.Query.Required(name, max, min));

    /// <summary>A whole number.</summary>
    public static Field<int> Integer(string name, string description, int otherwise, int min, int max) =>
        Of(name, Schemas.Integer(description, min, max, otherwise), false, fields => fields.Query.Integer(name, otherwise, min, max));

    /// <summary>A whole number; null when it is absent.</summary>
    public static Field<int?> OptionalInteger(string name, string description, int min, int max) =>
        Of(name, Schemas.Integer(description, min, max), false,
            fields => fields.Query.Has(name) ? fields.Query.Integer(name, min, min, max) : default(int?));

    /// <summary>A truth value.</summary>
    public static Field<bool> Flag(string name, string description, bool otherwise) =>
        Of(name, Schemas.Flag(description, otherwise), false, fields => fields.Query.Flag(name, otherwise));

    /// <summary>A truth value; null when it is absent.</summary>
    public static Field<bool?> OptionalFlag(string name, string description) =>
        Of(name, Schemas.Flag(description), false, fields => fields.Query.Has(name) ? fields.Query.Flag(name, false) : default(bool?));

    /// <summary>A UUID, normalised; null when it is absent or empty.</summary>
    public static Field<string?> Uuid(string name, string description) =>
        Of(name, Schemas.Uuid(description), false, fields =>
        {
            var text = fields.Query.Text(name);
            if (string.IsNullOrEmpty(text)) return null;
            if (Names.TryNormalizeUuid(text, out var id)) return id;
            fields.Query.Fail(name, $"Invalid {name} format");
            return null;
        });

    /// <summary>
    /// Where a page begins; null when nothing says so. What is no cursor is refused with text, once the caller is known.
    /// </summary>
    /// <param name="read">Reads the parts of a cursor.</param>
    public static Field<T?> Cursor<T>(Func<JsonElement, T?> read) where T : class => Cursor().AfterCaller(DecodeBy(read));

    /// <summary>The same, refused before the caller is asked for.</summary>
    public static Field<T?> CursorBeforeCaller<T>(Func<JsonElement, T?> read) where T : class => Cursor().BeforeCaller(DecodeBy(read));

    private static Field<string?> Cursor() => Text("cursor", "Where the page begins: next_cursor of the page before");

    private static Func<string?, T?> DecodeBy<T>(Func<JsonElement, T?> read) where T : class =>
        text => Http.Cursor.Decode(text) is { } cursor ? read(cursor) : null;

    /// <summary>How many there may be on a page.</summary>
    public static Field<int> Limit(int otherwise, int max) => Integer("limit", "How many at most", otherwise, 1, max);

    private static Field<T> Of<T>(string name, OpenApiSchema schema, bool required, Func<RequestFields, T> read) =>
        new(name, Place.Query, schema, required, read);
}

/// <summary>Parts of the path.</summary>
internal static class InPath
{
    /// <summary>A text.</summary>
    public static Field<string> Text(string name, string description) =>
        new(name, Place.Path, Schemas.Text(description), true, fields => fields.Path(name));

    /// <summary>A UUID, normalised; refused with text, before the caller is asked for.</summary>
    public static Field<string> UuidBeforeCaller(string name, string description) => Text(name, description).BeforeCaller(IdOf(name));

    /// <summary>A UUID, normalised; refused with text, once the caller is known.</summary>
    public static Field<string> Uuid(string name, string description) => Text(name, description).AfterCaller(IdOf(name));

    private static Func<string, string> IdOf(string name)
    {
        var problem = $"Invalid {JsonNamingPolicy.SnakeCaseLower.ConvertName(name)} format";
        return text => Names.TryNormalizeUuid(text, out var id) ? id : throw ApiException.Unprocessable(problem);
    }
}

/// <summary>Headers.</summary>
internal static class InHeader
{
    /// <summary>A text; empty when it is absent.</summary>
    public static Field<string> Text(string name, string description) =>
        new(name, Place.Header, Schemas.Text(description), false, fields => fields.Header(name));
}

/// <summary>What fields may be, in the words of JSON Schema.</summary>
internal static class Schemas
{
    public static OpenApiSchema Text(string? description, int min = 0, int max = int.MaxValue, string? otherwise = null,
        string? example = null) => new()
    {
        Type = JsonSchemaType.String,
        Description = description,
        MinLength = min == 0 ? null : min,
        MaxLength = max == int.MaxValue ? null : max,
        Default = otherwise,
        Examples = example is null ? null : [example],
    };

    public static OpenApiSchema Word(string description, string[] words, string? otherwise = null) => new()
    {
        Type = JsonSchemaType.String,
        Description = description,
        Enum = [.. words.Select(word => (JsonNode)word)],
        Default = otherwise,
    };

    public static OpenApiSchema Uuid(string description) => Text(description, example: "3f2b8c1e-5a4d-4e6f-9b7a-0c1d2e3f4a5b");

    public static OpenApiSchema Origin(string description, int min, int max) =>
        Text(description, min, max, example: "git@github.com:org/repo.git");

    public static OpenApiSchema Integer(string description, int min, int max, int? otherwise = null) => new()
    {
        Type = JsonSchemaType.Integer,
        Description = description,
        Minimum = min == int.MinValue ? null : Number(min),
        Maximum = max == int.MaxValue ? null : Number(max),
        Default = otherwise is { } number ? JsonValue.Create(number) : null,
    };

    public static OpenApiSchema Flag(string description, bool? otherwise = null) =>
        new() { Type = JsonSchemaType.Boolean, Description = description, Default = otherwise is { } flag ? JsonValue.Create(flag) : null };

    // Without a word about its properties generators take it for an object that has none.
    public static OpenApiSchema Object(string? description) =>
        new() { Type = JsonSchemaType.Object, Description = description, AdditionalProperties = new OpenApiSchema() };

    public static OpenApiSchema Texts(string description, int min, int most, int maxLength = int.MaxValue) =>
        List(description, Text(null, 0, maxLength), min, most);

    public static OpenApiSchema List(string description, OpenApiSchema items, int min, int most) => new()
    {
        Type = JsonSchemaType.Array,
        Description = description,
        Items = items,
        MinItems = min == 0 ? null : min,
        MaxItems = most,
    };

    private static string Number(int number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
