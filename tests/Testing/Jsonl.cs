using System.Text.Json;

namespace Beadhub.Testing;

/// <summary>Issue files: one JSON object a line.</summary>
public static class Jsonl
{
    public static string Of(params IEnumerable<object> records) =>
        string.Concat(records.Select(record => JsonSerializer.Serialize(record, Api.Json) + "\n"));
}
