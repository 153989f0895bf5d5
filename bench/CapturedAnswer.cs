using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.Bench;

/// <summary>A real answer of the server, for the reference app to repeat at the same path.</summary>
internal sealed record CapturedAnswer(string Path, string? ContentType, byte[] Body)
{
    /// <summary>What the server answers this agent at the path.</summary>
    public static async Task<CapturedAnswer> Of(Agent agent, string path)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {agent.Key}");
        using var response = await agent.Open(request);
        return response.IsSuccessStatusCode
            ? new(path.Split('?')[0], response.Content.Headers.ContentType?.ToString(), await response.Content.ReadAsByteArrayAsync())
            : throw new InvalidOperationException($"{path} was answered with {response.StatusCode}.");
    }

    /// <summary>Leaves it in a folder for the reference app.</summary>
    /// <returns>The folder.</returns>
    public async Task<string> Save(string folder)
    {
        await File.WriteAllBytesAsync(System.IO.Path.Combine(folder, $"{Guid.NewGuid():n}.json"),
            JsonSerializer.SerializeToUtf8Bytes(this));
        return folder;
    }
}
