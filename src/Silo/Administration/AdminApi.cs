using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Beadhub.Silo.Administration;

/// <summary>What administrators ask a running server, for the commands of the command line.</summary>
internal sealed class AdminApi : IDisposable
{
    private readonly HttpClient _http;

    private AdminApi(HttpClient http) => _http = http;

    /// <param name="url">Address of the server.</param>
    /// <param name="key">The administrators' key; null relies on being on the server's machine.</param>
    /// <exception cref="CommandFailedException">The address is none.</exception>
    public static AdminApi Of(string url, string? key)
    {
        if (!Uri.TryCreate(url.TrimEnd('/') + "/", UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            throw new CommandFailedException($"{url} is not the address of a server");
        // A proxy of the environment has no business between this machine and itself, and would make the caller look like one from
        // elsewhere.
        var http =
            new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = !address.IsLoopback }) { BaseAddress = address,
            Timeout = TimeSpan.FromSeconds(100) };
        if (key is { Length: > 0 }) http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return new(http);
    }

    /// <summary>Sends a request; answers with its body.</summary>
    /// <exception cref="CommandFailedException">The server refuses or cannot be reached, with what it says.</exception>
    public async Task<JsonElement> Ask(HttpMethod method, string path, JsonObject? body, CancellationToken cancellation)
    {
        try
        {
            using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
            using var response = await _http.SendAsync(request, cancellation);
            var text = await response.Content.ReadAsStringAsync(cancellation);
            if (!response.IsSuccessStatusCode)
                throw new CommandFailedException(Detail(text) ?? $"{_http.BaseAddress} answered {(int)response.StatusCode}");
            using var document = JsonDocument.Parse(text);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            throw new CommandFailedException($"{_http.BaseAddress} is no Beadhub that this program understands");
        }
        catch (HttpRequestException e)
        {
            throw new CommandFailedException($"{_http.BaseAddress} cannot be reached: {(e.InnerException ?? e).Message}");
        }
        catch (TaskCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new CommandFailedException($"{_http.BaseAddress} does not answer");
        }
    }

    /// <summary>All projects.</summary>
    public async Task<List<JsonElement>> Projects(string? tenant, CancellationToken cancellation)
    {
        var all = new List<JsonElement>();
        for (string? cursor = ""; cursor is not null;)
        {
            var page = await Ask(HttpMethod.Get,
                $"v1/projects?limit=200&tenant_id={Uri.EscapeDataString(tenant ?? "")}&cursor={Uri.EscapeDataString(cursor)}", null,
                cancellation);
            all.AddRange(page.GetProperty("projects").EnumerateArray());
            cursor = page.GetProperty("next_cursor").GetString();
        }

        return all;
    }

    /// <summary>The project with a slug, of a tenant where there are any, or with an id.</summary>
    /// <exception cref="CommandFailedException">There is none.</exception>
    public async Task<JsonElement> Project(string slugOrId, string? tenant, CancellationToken cancellation)
    {
        // A slug may look like an id; the slug that somebody has taken goes first.
        var named = await Ask(HttpMethod.Get,
            $"v1/projects?slug={Uri.EscapeDataString(slugOrId)}&tenant_id={Uri.EscapeDataString(tenant ?? "")}", null, cancellation);
        if (named.GetProperty("projects") is var found && found.GetArrayLength() > 0) return found[0];
        return Names.TryNormalizeUuid(slugOrId, out var id)
            ? await Ask(HttpMethod.Get, $"v1/projects/{id}", null, cancellation)
            : throw new CommandFailedException($"there is no project '{slugOrId}'");
    }

    public void Dispose() => _http.Dispose();

    private static string? Detail(string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            if (!document.RootElement.TryGetProperty("detail", out var detail)) return null;
            return detail.ValueKind == JsonValueKind.String
                ? detail.GetString()
                : string.Join("; ", detail.EnumerateArray().Select(static error =>
                    $"{error.GetProperty("loc").EnumerateArray().Last()}: {error.GetProperty("msg").GetString()}"));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return null;
        }
    }
}

/// <summary>A command cannot be carried out; the message says why.</summary>
internal sealed class CommandFailedException(string message) : Exception(message);
