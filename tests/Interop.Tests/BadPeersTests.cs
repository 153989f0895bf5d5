using System.Net;
using System.Text;
using Beadhub.HiveSync;
using Beadhub.Testing;

namespace Beadhub.Interop.Tests;

/// <summary>Peers that answer with garbage, never, for ever or with lies: they are told so, and other peers notice nothing.</summary>
public sealed class BadPeersTests
{
    [Fact]
    public async Task A_good_peer_is_served_beside_bad_ones_and_the_bad_ones_are_named()
    {
        using var garbage = new Bad(static _ => "garbage");
        using var silent = new Bad(static _ => null);
        using var endless = new Bad(since => $$"""{"events":[],"next_seq":{{since + 1}},"has_more":true}""");
        using var liar = new Bad(static _ => """{"events":[],"next_seq":0,"has_more":true}""");
        using var back = new Bad(static _ => """{"events":[],"next_seq":-5,"has_more":false}""");
        using var drip = new Bad(static _ => "drip");
        using var ahead = new Bad(static _ => """{"events":[],"next_seq":900000000000,"has_more":false}""");
        var sites = await Task.WhenAll(Site.Start("good"), Site.Start("tried", ("BEADHUB_SYNC_GOSSIP", "false")));
        await using var good = sites[0];
        await using var site = sites[1];
        (await good.Admin.Post("/api/v1/sync/groups", new { hive_name = "eng" })).Status.ShouldBe(201);
        foreach (var (name, bad) in new[] { ("garbage", garbage), ("silent", silent), ("endless", endless), ("liar", liar), ("back", back),
            ("drip", drip), ("ahead", ahead) })
            (await site.Admin.Post("/api/v1/sync/peers", new { name, sync_endpoint = bad.Endpoint, shared_hives = new[] { "eng" } })).Ok();
        await site.Add(good);
        var alice = site.Api.As(await site.Agent("alice"));
        (await alice.Post("/api/v1/hives", new { name = "eng" })).Status.ShouldBe(201);
        (await alice.Post("/api/v1/posts", new { hive = "eng", title = "hello", content = "x" })).Status.ShouldBe(201);

        await Site.Until(async () => (await good.Log()).Any(static e => e.Text("event_type") == "post_created") ? null : "no post yet", 15);
        await Site.Until(async () =>
        {
            var peers = (await site.Admin.Get("/api/v1/sync/peers")).Ok();
            return Wrong("garbage", "its answer is no JSON") ?? Wrong("silent", "it does not answer within")
                ?? Wrong("endless", "of its pages have brought nothing") ?? Wrong("liar", "does not lead on")
                ?? Wrong("back", "does not lead on") ?? Wrong("drip", "it does not answer within")
                // Who claims to be far ahead harms nobody: it is taken at its word, and is sent what there is.
                ?? (peers.Find("data", "name", "ahead").Text("status") == "active" ? null : "the one that is ahead is not active")
                ?? (peers.Find("data", "name", "good").Text("status") == "active" ? null : "the good one is not active");

            string? Wrong(string name, string error) =>
                peers.Find("data", "name", name).Maybe("last_error")?.Contains(error, StringComparison.Ordinal) == true
                    ? null : $"{name}: {peers.Find("data", "name", name)}";
        }, 40);
    }

    /// <summary>A peer that shakes hands as an OpenHive does, and then answers pulls as it is told; null never answers anything.</summary>
    private sealed class Bad : IDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly Func<long, string?> _page;
        private readonly int _port = ServerProcess.FreePort();

        public Bad(Func<long, string?> page)
        {
            _page = page;
            _listener.Prefixes.Add($"http://127.0.0.1:{_port}/");
            _listener.Start();
            _ = Listen();
        }

        public string Endpoint => $"http://127.0.0.1:{_port}/sync/v1";

        public void Dispose() => _listener.Close();

        /// <summary>A byte a second: each is an answer that comes on.</summary>
        private static async Task Drip(HttpListenerResponse response, byte[] bytes)
        {
            try
            {
                foreach (var one in bytes)
                {
                    await response.OutputStream.WriteAsync(new[] { one });
                    await response.OutputStream.FlushAsync();
                    await Task.Delay(1000, TestContext.Current.CancellationToken);
                }
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException or OperationCanceledException)
            {
                // Nobody has the patience.
            }
        }

        private async Task Listen()
        {
            while (_listener.IsListening)
            {
                try
                {
                    var context = await _listener.GetContextAsync();
                    var page = _page(long.TryParse(context.Request.QueryString["since"], out var since) ? since : 0);
                    if (page is null) continue;
                    var key = Ed25519.Encode(Ed25519.Best.PublicKey(BitConverter.GetBytes(_port).Concat(new byte[28]).ToArray()));
                    var body = page == "garbage" ? page : context.Request.Url!.AbsolutePath switch
                    {
                        "/sync/v1/handshake" => $$"""{"sync_group_id":"sg_{{_port}}","signing_key":"{{key}}","current_seq":9,"""
                            + """ "sync_token":"t","protocol_version":1,"key_version":1}""",
                        "/sync/v1/heartbeat" => $$$"""{"instance_id":"inst_{{{_port}}}","seq_by_hive":{"eng":9}}""",
                        _ => context.Request.HttpMethod == "POST" ? """{"received_seq":9}""" : page,
                    };
                    var bytes = Encoding.UTF8.GetBytes(body);
                    context.Response.ContentType = "application/json";
                    if (page == "drip")
                    {
                        _ = Drip(context.Response, bytes);
                        continue;
                    }

                    await context.Response.OutputStream.WriteAsync(bytes);
                    context.Response.Close();
                }
                catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
                {
                    // A peer that hangs up, or the end.
                }
            }
        }
    }
}
