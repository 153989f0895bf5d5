using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Beadhub.HiveSync;

namespace Beadhub.Interop.Tests;

/// <summary>A peer as an OpenHive is one: a key, a token, and calls over the wire.</summary>
internal sealed class FakePeer : IDisposable
{
    private readonly HttpClient _http = new();
    private readonly string _endpoint;
    private readonly byte[] _seed;

    public FakePeer(Site site, string instance)
    {
        (_endpoint, Instance) = (site.Endpoint, instance);
        _seed = Encoding.UTF8.GetBytes(instance.PadRight(32, '.'))[..32];
        Key = Ed25519.Encode(Ed25519.Best.PublicKey(_seed));
    }

    public string Instance { get; }

    public string Key { get; set; }

    public string Token { get; private set; } = "";

    public string GroupId { get; private set; } = "";

    public async Task<(int Status, JsonElement Body)> Handshake(object? body = null)
    {
        var answer = await Post("/handshake", body ?? new
        {
            sync_group_name = "eng", sync_group_id = "sg_other", instance_id = Instance, signing_key = Key,
            // Nobody listens there: what it takes to call back is not tested here.
            sync_endpoint = "http://127.0.0.1:9/sync/v1", protocol_version = 1,
        });
        if (answer.Status == 200)
            (GroupId, Token) = (answer.Body.GetProperty("sync_group_id").GetString()!, answer.Body.GetProperty("sync_token").GetString()!);
        return answer;
    }

    /// <summary>From where a proxy says that the peer asks; null for no proxy.</summary>
    public string? ForwardedFor { get; init; }

    /// <summary>An event, signed.</summary>
    public object Event(string type, string payload, long ts = 1_795_211_195_138, string id = "evt_x") => new
    {
        id, event_type = type, origin_instance_id = Instance, origin_ts = ts, payload,
        signature = Convert.ToBase64String(Ed25519.Best.Sign(_seed, Encoding.UTF8.GetBytes(payload))),
    };

    public object Post(string id) => Event("post_created", JsonSerializer.Serialize(new
    {
        post_id = id, title = $"Post {id}", content = "é ✓", url = (string?)null,
        author = new { instance_id = Instance, agent_id = "a1", name = "alice", avatar_url = (string?)null },
    }));

    public Task<(int Status, JsonElement Body)> Push(params object[] events) =>
        Post($"/groups/{GroupId}/events", new { events, sender_seq = events.Length });

    public Task<(int Status, JsonElement Body)> Pull(long since, int limit = 500) =>
        Get($"/groups/{GroupId}/events?since={since}&limit={limit}");

    public Task<(int Status, JsonElement Body)> Get(string path) => Send(new(HttpMethod.Get, _endpoint + path));

    public Task<(int Status, JsonElement Body)> Post(string path, object body) =>
        Send(new(HttpMethod.Post, _endpoint + path) { Content = body is string text
            ? new StringContent(text, Encoding.UTF8, "application/json") : JsonContent.Create(body) });

    public async Task<(int Status, JsonElement Body)> Send(HttpRequestMessage request, string? token = null)
    {
        if ((token ?? Token).Length > 0) request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token ?? Token}");
        if (ForwardedFor is not null) request.Headers.Add("X-Forwarded-For", ForwardedFor);
        using var response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return ((int)response.StatusCode, JsonDocument.Parse(text.Length == 0 ? "null" : text).RootElement);
    }

    public void Dispose() => _http.Dispose();
}
