using System.Text.Json;
using System.Text.Json.Nodes;
using Beadhub.Gateway.Http;
using Microsoft.OpenApi;

namespace Beadhub.Gateway.Requests;

/// <summary>Where a field of a request is.</summary>
internal enum Place
{
    /// <summary>A part of the path.</summary>
    Path,

    /// <summary>A query parameter.</summary>
    Query,

    /// <summary>A header.</summary>
    Header,

    /// <summary>A field of the JSON object in the body.</summary>
    Body,

    /// <summary>The body itself, as text.</summary>
    Text,
}

/// <summary>A field of a request, declared once: parsing, errors, documents and the arguments of tools follow from it.</summary>
/// <param name="name">Its name.</param>
/// <param name="place">Where it is.</param>
/// <param name="schema">What it may be, with its description, default and example.</param>
/// <param name="isRequired">Whether it must be there.</param>
internal abstract class Field(string name, Place place, OpenApiSchema schema, bool isRequired)
{
    public string Name => name;

    public Place Place => place;

    public OpenApiSchema Schema => schema;

    public bool IsRequired => isRequired;

    /// <summary>Its name as an argument of a tool, and in errors when it is a part of the path.</summary>
    public string Argument { get; init; } = JsonNamingPolicy.SnakeCaseLower.ConvertName(name);

    /// <summary>Reads the field for what is wrong with it only.</summary>
    public abstract void Check(RequestFields fields);
}

/// <summary>A field whose value is a <typeparamref name="T"/>.</summary>
/// <param name="name">Its name.</param>
/// <param name="place">Where it is.</param>
/// <param name="schema">What it may be.</param>
/// <param name="isRequired">Whether it must be there.</param>
/// <param name="read">Reads it; what is wrong goes into the request's errors, and some value is returned in its place.</param>
internal sealed class Field<T>(string name, Place place, OpenApiSchema schema, bool isRequired, Func<RequestFields, T> read)
    : Field(name, place, schema, isRequired)
{
    /// <summary>Reads the field.</summary>
    public T Read(RequestFields fields) => read(fields);

    public override void Check(RequestFields fields) => read(fields);

    /// <summary>A good value, for the documents and whoever tries them.</summary>
    public Field<T> Example(JsonNode example) => Described(schema => schema.Examples = [example]);

    /// <summary>The only values that it may have, or the usual ones, for the documents.</summary>
    public Field<T> Among(params IEnumerable<string> values) =>
        Described(schema => schema.Enum = [.. values.Select(value => (JsonNode)value)]);

    /// <summary>Its name as an argument of a tool, where that is not its own in snake_case.</summary>
    public Field<T> As(string argument) => new(Name, Place, Schema, IsRequired, read) { Argument = argument };

    /// <summary>A rule beyond the type: told with the other errors, unless something else is wrong with the field already.</summary>
    public Field<T> Must(Func<T, bool> holds, string rule) => With(fields =>
    {
        var before = fields.Errors.Count;
        var value = read(fields);
        if (fields.Errors.Count == before && !holds(value)) fields.Fail(this, rule);
        return value;
    });

    /// <summary>Another form of the value; what has none violates the rule.</summary>
    public Field<TOther> To<TOther>(Conversion<TOther> convert, string rule) => With(fields =>
    {
        var before = fields.Errors.Count;
        var value = read(fields);
        if (fields.Errors.Count > before) return default!;
        if (convert(value, out var other)) return other!;
        fields.Fail(this, rule);
        return default!;
    });

    /// <summary>Another form of the value, which every value has.</summary>
    public Field<TOther> Then<TOther>(Func<T, TOther> convert) => With(fields => convert(read(fields)));

    /// <summary>
    /// Another form of the value. What <paramref name="convert"/> throws is told after all that is wrong with the fields, and before the
    /// caller is asked for.
    /// </summary>
    public Field<TOther> BeforeCaller<TOther>(Func<T, TOther> convert) => With(fields =>
    {
        try
        {
            return convert(read(fields));
        }
        catch (ApiException refusal)
        {
            fields.RefuseBeforeCaller(refusal);
            return default!;
        }
    });

    /// <summary>The same, told after the caller is known: who may not ask does not hear of it.</summary>
    public Field<TOther> AfterCaller<TOther>(Func<T, TOther> convert) => With(fields =>
    {
        try
        {
            return convert(read(fields));
        }
        catch (ApiException refusal)
        {
            fields.RefuseAfterCaller(refusal);
            return default!;
        }
    });

    private Field<TOther> With<TOther>(Func<RequestFields, TOther> other) =>
        new(Name, Place, Schema, IsRequired, other) { Argument = Argument };

    private Field<T> Described(Action<OpenApiSchema> change)
    {
        var changed = (OpenApiSchema)Schema.CreateShallowCopy();
        change(changed);
        return new(Name, Place, changed, IsRequired, read) { Argument = Argument };
    }

    /// <summary>Makes another form of a value; false when there is none.</summary>
    public delegate bool Conversion<TOther>(T value, out TOther? other);
}
