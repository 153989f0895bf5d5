using System.Text;

namespace Beadhub.Identities;

/// <summary>
/// The one way to write an object of texts that signatures are made over (protocol 12.4): keys by code point, no white space, UTF-8 as it
/// is, only quote, backslash and control characters escaped.
/// </summary>
public static class CanonicalJson
{
    /// <summary>The object as bytes.</summary>
    public static byte[] Of(params IEnumerable<(string Name, string Value)> fields)
    {
        var json = new StringBuilder("{");
        foreach (var (name, value) in fields.OrderBy(field => field.Name, StringComparer.Ordinal))
        {
            if (json.Length > 1) json.Append(',');
            Text(json, name);
            json.Append(':');
            Text(json, value);
        }

        return Encoding.UTF8.GetBytes(json.Append('}').ToString());
    }

    private static void Text(StringBuilder json, string text)
    {
        json.Append('"');
        foreach (var c in text)
        {
            switch (c)
            {
                case '"' or '\\': json.Append('\\').Append(c); break;
                case '\b': json.Append("\\b"); break;
                case '\f': json.Append("\\f"); break;
                case '\n': json.Append("\\n"); break;
                case '\r': json.Append("\\r"); break;
                case '\t': json.Append("\\t"); break;
                case < ' ': json.Append($"\\u{(int)c:x4}"); break;
                default: json.Append(c); break;
            }
        }

        json.Append('"');
    }
}
