using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Beadhub.History;

namespace Beadhub.Remotes;

/// <summary>The history of a project of a Beadhub, over HTTP (<c>/v1/beads/exchange</c>), called with a key of the project.</summary>
public sealed class HubHistory : ILocalHistory, IDisposable
{
    private const int Longest = 64 * 1024 * 1024;
    private const int Together = 500;
    private const int MostAncestors = 100_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly HttpClient _http;
    private readonly string? _project;

    /// <param name="server">Address of the server, with the path under which its API is.</param>
    /// <param name="key">API key.</param>
    /// <param name="handler">Sends requests; follows no redirects, so that the key never goes elsewhere.</param>
    /// <param name="project">Slug of the project that the key must be of; null for whichever it is.</param>
    public HubHistory(Uri server, string key, HttpMessageHandler handler, string? project = null)
    {
        _http = new(handler, disposeHandler: false)
        {
            BaseAddress = new(server.ToString().TrimEnd('/') + "/"),
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _http.DefaultRequestHeaders.Authorization = new("Bearer", key);
        _project = project;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<string, ObjectHash>> Heads(CancellationToken cancellation)
    {
        var answer = await Ask(HttpMethod.Get, "", null, cancellation);
        if (_project is not null && answer["project_slug"]?.GetValue<string>() != _project)
            throw new RemoteException($"the key that was given is not one of project {_project}");
        return answer["branches"]!.AsArray().ToDictionary(static branch => branch!["name"]!.GetValue<string>(),
            static branch => Hash(branch!["commit"]));
    }

    /// <inheritdoc/>
    public async Task<IReadOnlySet<ObjectHash>> Known(IReadOnlyCollection<ObjectHash> commits, CancellationToken cancellation)
    {
        var known = new HashSet<ObjectHash>();
        foreach (var part in commits.Chunk(Together))
            known.UnionWith(Hashes(await Ask(HttpMethod.Post, "/known", new() { ["commits"] = Texts(part) }, cancellation), "hashes"));
        return known;
    }

    /// <inheritdoc/>
    public async Task<bool> Follows(ObjectHash commit, ObjectHash ancestor, CancellationToken cancellation)
    {
        await foreach (var part in Ancestors(commit, cancellation))
            if (part.Contains(ancestor)) return true;
        return false;
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<Pack> Send(ObjectHash wanted, IHistorySite to, CancellationToken cancellation) =>
        Pack.Fill(Objects(wanted, to, cancellation));

    /// <inheritdoc/>
    public async Task<bool> Take(Pack pack, CancellationToken cancellation)
    {
        var named = pack.Named().DistinctBy(static one => one.Name).ToDictionary(static one => one.Name, static one => one.Text);
        var absent = new List<ObjectHash>();
        foreach (var part in named.Keys.Chunk(Together))
            absent.AddRange(Hashes(await Ask(HttpMethod.Post, "/absent", new() { ["hashes"] = Texts(part) }, cancellation), "hashes"));
        if (absent.Count == 0) return false;
        await Ask(HttpMethod.Post, "/objects", new()
        {
            ["objects"] = new JsonArray([.. absent.Where(named.ContainsKey).Select(name => JsonValue.Create(named[name]))]),
        }, cancellation);
        return true;
    }

    /// <inheritdoc/>
    public async Task<MoveOutcome> Move(BranchMove move, CancellationToken cancellation)
    {
        var body = new JsonObject { ["branch"] = move.Branch, ["commit"] = move.Next.ToString() };
        if (move.Expected is { } expected) body["expected"] = expected.ToString();
        return (await Ask(HttpMethod.Post, "/move", body, cancellation))["outcome"]?.GetValue<string>() switch
        {
            "moved" => MoveOutcome.Moved,
            "not_forward" => MoveOutcome.NotForward,
            _ => MoveOutcome.Overtaken,
        };
    }

    /// <inheritdoc/>
    public async Task<bool> Remove(string branch, CancellationToken cancellation) =>
        (await Ask(HttpMethod.Post, "/remove", new() { ["branch"] = branch }, cancellation))["removed"]?.GetValue<bool>() == true;

    /// <inheritdoc/>
    public async Task Track(string remote, string branch, ObjectHash commit, CancellationToken cancellation) => await Ask(
        HttpMethod.Post, "/track", new() { ["remote"] = remote, ["branch"] = branch, ["commit"] = commit.ToString() }, cancellation);

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async IAsyncEnumerable<string> Objects(ObjectHash wanted, IHistorySite to,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        IReadOnlySet<ObjectHash> known = new HashSet<ObjectHash>();
        await foreach (var part in Ancestors(wanted, cancellation))
            if ((known = await to.Known(part, cancellation)).Count > 0) break;
        for (string? after = "", last = null; after is not null;)
        {
            var page = await Ask(HttpMethod.Post, "/missing", new()
            {
                ["commit"] = wanted.ToString(), ["known"] = Texts(known), ["after"] = after,
            }, cancellation);
            var objects = page["objects"]!.AsArray();
            foreach (var text in objects) yield return text!.GetValue<string>();
            var next = page["next"]?.GetValue<string>();
            if (next is not null && (next == after || next == last || objects.Count == 0))
                throw new RemoteException("the other Beadhub's list of objects does not end", RemoteFault.Damaged);
            (last, after) = (after, next);
        }
    }

    /// <summary>A commit and those before it, newest first.</summary>
    private async IAsyncEnumerable<ObjectHash[]> Ancestors(ObjectHash commit, [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (long? after = 0; after is { } from and < MostAncestors;)
        {
            var page = await Ask(HttpMethod.Post, "/ancestors", new()
            {
                ["commit"] = commit.ToString(), ["after"] = from,
            }, cancellation);
            yield return [.. Hashes(page, "commits")];
            after = page["next"]?.GetValue<long>();
            if (after <= from) yield break;
        }
    }

    private async Task<JsonObject> Ask(HttpMethod method, string path, JsonObject? body, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        try
        {
            using var request = new HttpRequestMessage(method, "v1/beads/exchange" + path);
            if (body is not null)
                request.Content = new StringContent(body.ToJsonString(Relaxed), Encoding.UTF8,
                    new MediaTypeHeaderValue("application/json"));
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            var text = await Read(response, patience.Token);
            if (response.IsSuccessStatusCode)
                return JsonNode.Parse(text) as JsonObject ?? throw new RemoteException("what answered is no Beadhub", RemoteFault.Damaged);
            throw Refused(response.StatusCode, text);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new RemoteException("what answered is no Beadhub that this one understands", RemoteFault.Damaged, e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException
            || e is OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            throw new RemoteException("the other Beadhub does not answer, or broke off", RemoteFault.Transient, e);
        }
    }

    private static RemoteException Refused(HttpStatusCode status, string text) => (int)status switch
    {
        401 => new("the other Beadhub does not know this key"),
        >= 300 and < 400 => new("the other Beadhub answered with a redirect, which is not followed: write the address where it is"),
        404 => new(Detail(text) ?? "the other Beadhub has no such thing, or is too old to exchange histories", RemoteFault.NotFound),
        408 or 429 or >= 500 => new($"the other Beadhub answered {(int)status}", RemoteFault.Transient),
        _ => new(Detail(text) ?? $"the other Beadhub answered {(int)status}"),
    };

    private static string? Detail(string text)
    {
        try
        {
            return JsonNode.Parse(text)?["detail"] is JsonValue value && value.TryGetValue<string>(out var detail) && detail.Length <= 500
                ? detail : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static async Task<string> Read(HttpResponseMessage response, CancellationToken cancellation)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellation);
        using var bytes = new MemoryStream();
        var buffer = new byte[81_920];
        while (await body.ReadAsync(buffer, cancellation) is > 0 and var read)
        {
            if (bytes.Length + read > Longest) throw new RemoteException("the other Beadhub's answer does not end", RemoteFault.Damaged);
            bytes.Write(buffer, 0, read);
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    private static ObjectHash Hash(JsonNode? text) => ObjectHash.TryParse(text?.GetValue<string>(), out var hash) ? hash
        : throw new RemoteException("the other Beadhub named a commit by what is no hash", RemoteFault.Damaged);

    private static IEnumerable<ObjectHash> Hashes(JsonObject answer, string name) => answer[name]!.AsArray().Select(Hash);

    private static JsonArray Texts(IEnumerable<ObjectHash> hashes) =>
        new([.. hashes.Select(static hash => JsonValue.Create(hash.ToString()))]);
}
