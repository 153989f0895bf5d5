using System.Net;
using System.Text;
using System.Text.Json;
using Beadhub.HiveSync;
using Beadhub.Testing;

namespace Beadhub.Interop.Tests;

/// <summary>A peer that answers as an OpenHive does: handshake, heartbeat, its log, and its public API.</summary>
internal sealed class FakeOpenHive : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly int _port = ServerProcess.FreePort();
    private readonly byte[] _seed;
    private readonly List<string> _events = [];

    public FakeOpenHive()
    {
        _seed = [.. BitConverter.GetBytes(_port), .. new byte[28]];
        _listener.Prefixes.Add($"http://127.0.0.1:{_port}/");
        _listener.Start();
        _ = Listen();
    }

    public string Endpoint => $"http://127.0.0.1:{_port}/sync/v1";

    public string Instance => $"inst_{_port}";

    /// <summary>Answers of its public API, by path and query.</summary>
    public Dictionary<string, object> Pages { get; } = [];

    /// <summary>An event of its log.</summary>
    public void Add(string type, object content)
    {
        var payload = JsonSerializer.Serialize(content);
        _events.Add(JsonSerializer.Serialize(new
        {
            id = $"evt_{_events.Count}", event_type = type, origin_instance_id = Instance, origin_ts = 1_795_211_195_138 + _events.Count,
            payload, signature = Convert.ToBase64String(Ed25519.Best.Sign(_seed, Encoding.UTF8.GetBytes(payload))),
        }));
    }

    public object Author => new { instance_id = Instance, agent_id = "a1", name = "olga", avatar_url = (string?)null };

    public void Dispose() => _listener.Close();

    private async Task Listen()
    {
        while (_listener.IsListening)
        {
            try
            {
                var context = await _listener.GetContextAsync();
                var since = int.TryParse(context.Request.QueryString["since"], out var number) ? number : 0;
                var body = (context.Request.HttpMethod, context.Request.Url!.AbsolutePath) switch
                {
                    ("POST", "/sync/v1/handshake") => JsonSerializer.Serialize(new
                    {
                        sync_group_id = "sg_open", signing_key = Ed25519.Encode(Ed25519.Best.PublicKey(_seed)), current_seq = _events.Count,
                        sync_token = "t", protocol_version = 1, key_version = 1,
                    }),
                    ("POST", "/sync/v1/heartbeat") => $$$"""{"instance_id":"{{{Instance}}}","seq_by_hive":{"eng":{{{_events.Count}}}}}""",
                    ("POST", _) => """{"received_seq":9}""",
                    ("GET", "/sync/v1/groups/sg_open/events") => $$"""{"events":[{{string.Join(',', _events.Skip(since))}}],"""
                        + $$""" "next_seq":{{Math.Max(since, _events.Count)}},"has_more":false}""",
                    _ when Pages.TryGetValue(context.Request.RawUrl!, out var page) => JsonSerializer.Serialize(page),
                    _ => null,
                };
                if (body is null) context.Response.StatusCode = 404;
                context.Response.ContentType = "application/json";
                await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(body ?? "{}"));
                context.Response.Close();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                // A peer that hangs up, or the end.
            }
        }
    }
}
