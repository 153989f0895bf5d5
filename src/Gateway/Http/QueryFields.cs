using System.Globalization;
using System.Text.Json;

namespace Beadhub.Gateway.Http;

/// <summary>A request's query parameters, checked as they are asked for (contract 0.5, 0.6). Unknown ones are ignored; of repeated ones the
/// last counts.</summary>
internal sealed class QueryFields(HttpRequest request, FieldErrors errors)
{
    /// <summary>Whether a parameter is there.</summary>
    public bool Has(string name) => Last(name) is not null;

    /// <summary>A text, or null when it is absent. Lengths are in code points.</summary>
    public string? Text(string name, int max = int.MaxValue, int min = 0)
    {
        var text = Last(name);
        if (text is null) return null;
        if (text.Length > max && Names.CodePoints(text) > max)
            errors.Add("string_too_long", $"String should have at most {max} characters", Input(text), ("max_length", max), "query", name);
        else if (text.Length < min)
            errors.Add("string_too_short", $"String should have at least {min} character{(min == 1 ? "" : "s")}", Input(text),
                ("min_length", min), "query", name);
        return text;
    }

    /// <summary>A text that must be there and not be empty.</summary>
    public string Required(string name, int max = int.MaxValue, int min = 1)
    {
        if (Text(name, max, min) is { } text) return text;
        errors.Add("missing", "Field required", default, null, "query", name);
        return "";
    }

    /// <summary>A whole number.</summary>
    public int Integer(string name, int otherwise, int min, int max)
    {
        var text = Last(name);
        if (text is null) return otherwise;
        if (!System.Numerics.BigInteger.TryParse(text.Length <= 40 ? text : "x", NumberStyles.AllowLeadingSign,
            CultureInfo.InvariantCulture, out var number))
            errors.Add("int_parsing", "Input should be a valid integer, unable to parse string as an integer", Input(text), null, "query",
                name);
        else if (number < min && min == 1 && max == int.MaxValue)
            errors.Add("greater_than", "Input should be greater than 0", Input(text), ("gt", 0), "query", name);
        else if (number < min)
            errors.Add("greater_than_equal", $"Input should be greater than or equal to {min}", Input(text), ("ge", min), "query", name);
        else if (number > max)
            errors.Add("less_than_equal", $"Input should be less than or equal to {max}", Input(text), ("le", max), "query", name);
        else
            return (int)number;
        return otherwise;
    }

    /// <summary>A truth value.</summary>
    public bool Flag(string name, bool otherwise)
    {
        var text = Last(name);
        if (text is null) return otherwise;
        if (Truth(text) is { } flag) return flag;
        errors.Add("bool_parsing", "Input should be a valid boolean, unable to interpret input", Input(text), null, "query", name);
        return otherwise;
    }

    /// <summary>What a text says of yes or no, in the words that clients use; null for another one.</summary>
    public static bool? Truth(string text) => text.ToLowerInvariant() switch
    {
        "true" or "1" or "yes" or "on" or "t" or "y" => true,
        "false" or "0" or "no" or "off" or "f" or "n" => false,
        _ => null,
    };

    /// <summary>A rule of ours is violated by this parameter, in the list form of 422.</summary>
    public void Fail(string name, string rule) => errors.AddRule(rule, Input(Last(name) ?? ""), "query", name);

    private static byte[] Input(string text) => JsonSerializer.SerializeToUtf8Bytes(text, Wire.Types.String);

    private string? Last(string name) =>
        request.QueryString.HasValue && request.Query.TryGetValue(name, out var values) ? values[^1] : null;
}
