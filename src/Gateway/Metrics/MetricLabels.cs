using System.Globalization;

namespace Beadhub.Gateway.Metrics;

/// <summary>
/// Writes the labels of a measurement as Prometheus has them, without the braces. What has no entry here is left out, so that no id,
/// address or text of a project can ever become a label, and the number of series stays bounded.
/// </summary>
public static class MetricLabels
{
    /// <summary>Names of tags that become labels. Each has few values.</summary>
    public static IReadOnlyList<string> Allowed { get; } =
    [
        "http.request.method", "http.route", "http.response.status_code", "network.protocol.version", "error.type", "grain", "stream",
        "outcome", "store", "mesh.group", "mesh.peer",
        "db.client.connection.state", "gc.heap.generation", "cpu.mode",
    ];

    private static readonly string[] Names = [.. Allowed.Select(MetricNames.Identifier)];

    /// <summary>Writes the labels, in one order whatever that of the tags is.</summary>
    /// <returns>How many characters; -1 when there is no room.</returns>
    public static int Write(ReadOnlySpan<KeyValuePair<string, object?>> tags, Span<char> into)
    {
        var length = 0;
        for (var i = 0; i < Names.Length && tags.Length > 0; i++)
        {
            foreach (var (key, value) in tags)
            {
                if (value is null || !string.Equals(key, Allowed[i], StringComparison.Ordinal)) continue;
                if (!Add(Names[i], value, into, ref length)) return -1;
                break;
            }
        }

        return length;
    }

    private static bool Add(string name, object value, Span<char> into, ref int length)
    {
        if (length > 0 && !Put(",", into, ref length)) return false;
        if (!Put(name, into, ref length) || !Put("=\"", into, ref length)) return false;
        if (value is ISpanFormattable number)
        {
            if (!number.TryFormat(into[length..], out var written, default, CultureInfo.InvariantCulture)) return false;
            length += written;
        }
        else
        {
            foreach (var c in value as string ?? value.ToString() ?? "")
                if (!Put(c switch { '\\' => @"\\", '"' => "\\\"", '\n' => @"\n", _ => new ReadOnlySpan<char>(in c) }, into, ref length))
                    return false;
        }

        return Put("\"", into, ref length);
    }

    private static bool Put(ReadOnlySpan<char> text, Span<char> into, ref int length)
    {
        if (!text.TryCopyTo(into[length..])) return false;
        length += text.Length;
        return true;
    }
}
