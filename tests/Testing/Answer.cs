using System.Text.Json;

namespace Beadhub.Testing;

/// <summary>What the server answered to one request, read to its end.</summary>
public sealed record Answer(string Request, int Status, string Text, IReadOnlyDictionary<string, string> Headers)
{
    private JsonElement? json;

    public JsonElement Json => json ??= Parse();

    public string? Header(string name) => Headers.GetValueOrDefault(name);

    /// <summary>The body of a success; anything else is an exception that shows the whole answer.</summary>
    public JsonElement Ok() => Status == 200 ? Json : throw new InvalidOperationException($"Expected 200: {this}");

    public override string ToString() => $"{Request} -> {Status} {(Text.Length > 4000 ? Text[..4000] + "…" : Text)}";

    internal static async Task<Answer> From(HttpResponseMessage response)
    {
        var headers = response.Headers.Concat(response.Content.Headers)
            .ToDictionary(h => h.Key, h => string.Join(", ", h.Value), StringComparer.OrdinalIgnoreCase);
        var request = response.RequestMessage!;
        return new Answer($"{request.Method} {request.RequestUri!.PathAndQuery}", (int)response.StatusCode,
            await response.Content.ReadAsStringAsync(), headers);
    }

    private JsonElement Parse()
    {
        try
        {
            return JsonDocument.Parse(Text).RootElement;
        }
        catch (JsonException e)
        {
            throw new InvalidOperationException($"Not JSON: {this}", e);
        }
    }
}
