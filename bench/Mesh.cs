using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Beadhub.Hives;
using Beadhub.HiveSync;
using Beadhub.Testing;

namespace Beadhub.Bench;

/// <summary>Sites that mesh: what verifying costs, how fast a new site has all, how late an event is at the other site, and how all that
/// grows.</summary>
internal static class Mesh
{
    private const string Hive = "eng";
    private const string Groups = "/api/v1/sync/groups";
    private const int BatchSize = 500;
    private const int Peers = 4;
    private const int PostsPerSecond = 500;
    private const int Writers = 16;
    private const double MustTake = 5_000; // events a second
    private const double MayHold = 100; // MB

    private static (string, string)[] Settings =>
    [
        ("BEADHUB_ADMIN_KEY", Api.AdminKey), ("BEADHUB_SYNC_EVENTS_PER_SECOND", "1000000"), ("BEADHUB_SYNC_EVENTS_BURST", "1000000"),
        ("BEADHUB_SYNC_HEARTBEAT_SECONDS", "1"), ("BEADHUB_SYNC_GOSSIP", "false"), ("BEADHUB_LOG_LEVEL", "error"),
    ];

    public static async Task Run(Lab lab)
    {
        await IngestAndBackfill(lab);
        await Lag(lab);
        await Growth(lab);
    }

    private static async Task IngestAndBackfill(Lab lab)
    {
        await using var site = await lab.Server(await lab.Database(), null, Settings);
        await Share(site, Hive);
        var origin = new Origin(Hive);
        var rounds = lab.Options.Rounds;
        var ofRound = (lab.Options.Quick ? 20_000 : 100_000) / rounds / BatchSize * BatchSize;
        // Before the first that counts: the other side is warm as well.
        await Push(site, Hive, origin.Next(4 * BatchSize), Peers);
        var signed = Enumerable.Range(0, rounds * 2).Select(_ => origin.Next(ofRound / 2)).ToArray();
        var (oneAt, manyAt, verifiedAt) = (0, rounds, 0);
        var rates = await Measure.Alternate(rounds,
            async () => (ofRound / 2) / await Push(site, Hive, signed[oneAt++], 1),
            async () => (ofRound / 2) / await Push(site, Hive, signed[manyAt++], Peers),
            () =>
            {
                var events = signed[verifiedAt++].Select(static e => (Payload: Encoding.UTF8.GetBytes(e.Payload),
                    Signature: Ed25519.DecodeSignature(e.Signature)!)).ToArray();
                var key = Ed25519.DecodeKey(origin.Key)!;
                var begun = Stopwatch.GetTimestamp();
                Parallel.ForEach(events, e => _ = Ed25519.Best.Verify(key, e.Payload, e.Signature) ? 0
                    : throw new InvalidOperationException("The signature is not good."));
                return Task.FromResult(events.Length / Stopwatch.GetElapsedTime(begun).TotalSeconds);
            });
        lab.Results.Add(new($"events of {Peers} peers, verified and stored", "verified alone, all cores", rates[1], rates[2], "/s",
            Goal.Least(0.5)));
        lab.Results.Add(new("events of 1 peer, one request at a time", "verified alone, all cores", rates[0], rates[2], "/s", Goal.None));
        lab.Say($"ingest: {rates[1]:0}/s of {Peers} peers, {rates[0]:0}/s of one; verified alone {rates[2]:0}/s");

        var head = await Head(site, Hive);
        await using var another = await lab.Server(await lab.Database(), null, Settings);
        var start = Stopwatch.GetTimestamp();
        await Add(another, site, Hive);
        await Until(async () => await Head(another, Hive) >= head, TimeSpan.FromMinutes(3));
        var rate = head / Stopwatch.GetElapsedTime(start).TotalSeconds;
        lab.Results.Add(new($"backfill of {head:#,0} events to a new site", "the goal", rate, MustTake, "/s", Goal.Least(1)));
        lab.Results.Add(new($"backfill of {head:#,0} events to a new site", "verified alone, all cores", rate, rates[2], "/s", Goal.None));
        lab.Say($"backfill: {rate:0}/s");
    }

    private static async Task Lag(Lab lab)
    {
        await using var here = await lab.Server(await lab.Database(), null, Settings);
        await using var there = await lab.Server(await lab.Database(), null, Settings);
        var (writer, reader) = (await Agent(here, "writer"), await Agent(there, "reader"));
        await here.Api.As(writer).Post("/api/v1/hives", new { name = Hive });
        await Add(here, there, Hive);
        await Add(there, here, Hive);
        await Until(async () => (await there.Api.As(reader).Get($"/api/v1/hives/{Hive}")).Status == 200, TimeSpan.FromSeconds(30));

        var seconds = lab.Options.WarmUp + (lab.Options.Seconds * lab.Options.Rounds);
        var posts = PostsPerSecond * seconds;
        var (sentAt, answeredAt, seenAt) = (new long[posts], new long[posts], new long[posts]);
        using var http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        http.DefaultRequestHeaders.Authorization = new("Bearer", reader);
        await using var stream = await http.GetStreamAsync(new Uri(there.Api.Address, $"/api/v1/hives/{Hive}/stream"));
        var seen = Task.Run(async () =>
        {
            using var lines = new StreamReader(stream);
            for (var left = posts; left > 0 && await lines.ReadLineAsync() is { } line;)
            {
                const string Mark = "\"title\":\"lag ";
                var at = line.IndexOf(Mark, StringComparison.Ordinal);
                if (at < 0) continue;
                var end = line.IndexOf('"', at += Mark.Length);
                seenAt[int.Parse(line.AsSpan(at, end - at), CultureInfo.InvariantCulture)] = Stopwatch.GetTimestamp();
                left--;
            }
        });
        var begun = Stopwatch.GetTimestamp();
        var writers = Enumerable.Range(0, Writers).Select(first => new Thread(() =>
        {
            using var connection = new HttpConnection(here.Port);
            for (var n = first; n < posts; n += Writers)
            {
                var wait = TimeSpan.FromSeconds((double)n / PostsPerSecond) - Stopwatch.GetElapsedTime(begun);
                if (wait > TimeSpan.Zero) Thread.Sleep(wait);
                var request = HttpConnection.Post("/api/v1/posts", writer,
                    JsonSerializer.SerializeToUtf8Bytes(new { hive = Hive, title = $"lag {n}", content = "A text of some length." }));
                sentAt[n] = Stopwatch.GetTimestamp();
                if (connection.Send(request) != 201) throw new InvalidOperationException("A post was refused.");
                answeredAt[n] = Stopwatch.GetTimestamp();
            }
        })).ToList();
        writers.ForEach(static thread => thread.Start());
        writers.ForEach(static thread => thread.Join());
        await seen.WaitAsync(TimeSpan.FromSeconds(60));
        var counted = Enumerable.Range(0, posts).Where(n => n >= PostsPerSecond * lab.Options.WarmUp).ToArray();
        var lags = counted.Select(n => Stopwatch.GetElapsedTime(sentAt[n], seenAt[n]).TotalSeconds).ToArray();
        var answers = counted.Select(n => Stopwatch.GetElapsedTime(sentAt[n], answeredAt[n]).TotalSeconds).ToArray();
        foreach (var (name, part) in new[] { ("p50", 0.5), ("p99", 0.99) })
            lab.Results.Add(new($"post → stream at the other site, {PostsPerSecond}/s, {name}", $"the post's answer, {name}",
                Measure.Percentile(lags, part), Measure.Percentile(answers, part), "s", part > 0.9 ? Goal.Most(3) : Goal.None));
        lab.Say($"lag p99: {Measure.Percentile(lags, 0.99) * 1e3:0.0} ms, answers {Measure.Percentile(answers, 0.99) * 1e3:0.0} ms");
    }

    private static async Task Growth(Lab lab)
    {
        const int Few = 100;
        var many = lab.Options.Quick ? 100_000 : 1_000_000;
        var database = await lab.Database();
        double empty;
        var (few, bulk) = (new Origin("few"), new Origin("many"));
        await using (var site = await lab.Server(database, null, Settings))
        {
            await Share(site, "few");
            await Share(site, "many");
            empty = await site.IdleMemory() / 1048576.0;
            await Push(site, "few", few.Next(Few), 1);
            var begun = Stopwatch.GetTimestamp();
            for (var left = many; left > 0; left -= 50_000) await Push(site, "many", bulk.Next(Math.Min(left, 50_000)), Peers);
            lab.Say($"{many:#,0} posts pushed in {Stopwatch.GetElapsedTime(begun).TotalSeconds:0} s");
        }

        string key;
        var firstAt = 0.0;
        await using (var again = await lab.Server(database, null, Settings))
        {
            await Push(again, "many", bulk.Next(BatchSize), 1);
            var held = (await again.IdleMemory() / 1048576.0) - empty;
            lab.Results.Add(new($"memory of a group with {many:#,0} events, beside that of an empty server", "the limit", held, MayHold,
                "MB", Goal.Most(1)));
            key = await Agent(again, "reader");
            foreach (var hive in new[] { "few", "many" })
            {
                firstAt = await FirstPage(again, hive, key);
                lab.Say($"first page of {hive} after a start: {firstAt:0.00} s");
            }

            lab.Say($"memory: {held:0} MB for the group, {(await again.IdleMemory() / 1048576.0) - empty:0} MB with the hive's index");
            Func<Task<double>> Page(string hive) => async () =>
                (await Wrk.Get(lab, again.Port, $"/api/v1/posts?hive={hive}&sort=new&limit=25", key, 1, lab.Options.Seconds)).P50;
            var pages = await Measure.Alternate(lab.Options.Rounds, Page("many"), Page("few"));
            lab.Results.Add(new($"first page of a hive, p50 at {many:#,0} posts", $"at {Few} posts", pages[0], pages[1], "s",
                Goal.Most(1.3)));
        }

        await using var third = await lab.Server(database, null, Settings);
        var thirdAt = await FirstPage(third, "many", key);
        lab.Results.Add(new($"first page after a start, {many:#,0} posts", "the first time, from the whole log", thirdAt, firstAt, "s",
            Goal.None));
        lab.Say($"first page after a start, from a snapshot: {thirdAt:0.00} s");
    }

    private static async Task<double> FirstPage(Host site, string hive, string key)
    {
        var begun = Stopwatch.GetTimestamp();
        (await site.Api.As(key).Get($"/api/v1/posts?hive={hive}&sort=new")).Ok();
        return Stopwatch.GetElapsedTime(begun).TotalSeconds;
    }

    private static async Task Share(Host site, string hive)
    {
        var made = await site.Api.As(Api.AdminKey).Post(Groups, new { hive_name = hive });
        if (made.Status != 201) throw new InvalidOperationException(made.ToString());
    }

    private static async Task Add(Host site, Host other, string hive) => (await site.Api.As(Api.AdminKey).Post("/api/v1/sync/peers", new
    {
        name = $"site{other.Port}", sync_endpoint = $"http://127.0.0.1:{other.Port}/sync/v1", shared_hives = new[] { hive },
    })).Ok();

    private static async Task<string> Agent(Host site, string name) =>
        (await site.Api.Post("/api/v1/agents/register", new { name })).Json.Text("api_key");

    // Without the state's hash, which a list of groups shows: that folds the hive.
    private static readonly ConcurrentDictionary<(int, string), string> Ids = new();

    private static async Task<long> Head(Host site, string hive)
    {
        var admin = site.Api.As(Api.AdminKey);
        if (!Ids.TryGetValue((site.Port, hive), out var id))
            Ids[(site.Port, hive)] = id = (await admin.Get(Groups)).Ok().Items("data")
                .Single(group => group.Text("hive_name") == hive).Text("id");
        return (await admin.Get($"{Groups}/{id}/events?limit=1")).Ok().Number("total");
    }

    private static async Task Until(Func<Task<bool>> isSo, TimeSpan patience)
    {
        for (var begun = Stopwatch.GetTimestamp(); !await isSo(); await Task.Delay(20))
            if (Stopwatch.GetElapsedTime(begun) > patience) throw new TimeoutException();
    }

    /// <summary>Peers push events, each one batch at a time.</summary>
    /// <returns>Seconds.</returns>
    private static async Task<double> Push(Host site, string hive, List<MeshEvent> events, int peers)
    {
        var ways = new List<(string Group, string Token)>();
        for (var i = 0; i < peers; i++)
        {
            var key = Ed25519.Encode(Ed25519.Best.PublicKey(SHA256.HashData([(byte)i])));
            var met = (await site.Api.Post("/sync/v1/handshake", new
            {
                sync_group_name = hive, sync_group_id = $"sg_{i}", instance_id = $"inst_{i}", signing_key = key, protocol_version = 1,
                sync_endpoint = "http://127.0.0.1:9/sync/v1", // nobody: it is not pushed to
            })).Ok();
            ways.Add((met.Text("sync_group_id"), met.Text("sync_token")));
        }

        // The first has the key that the others are verified by.
        var batches = new ConcurrentQueue<byte[]>(events.Chunk(BatchSize).Select(static some => JsonSerializer.SerializeToUtf8Bytes(new
        {
            events = some.Select(static e => new
            {
                id = e.EventId, event_type = e.Type, origin_instance_id = e.Origin, origin_ts = e.OriginTs, payload = e.Payload,
                signature = e.Signature,
            }),
            sender_seq = 1,
        })));
        var begun = Stopwatch.GetTimestamp();
        var first = events[0].Type == KeyCertificate.EventType;
        if (first) Send(ways[0]);
        await Task.WhenAll(ways.Select(way => Task.Run(() =>
        {
            while (Send(way)) { }
        })));
        return Stopwatch.GetElapsedTime(begun).TotalSeconds;

        bool Send((string Group, string Token) way)
        {
            if (!batches.TryDequeue(out var batch)) return false;
            using var connection = new HttpConnection(site.Port);
            return connection.Send(HttpConnection.Post($"/sync/v1/groups/{way.Group}/events", way.Token, batch)) is 200
                ? true : throw new InvalidOperationException("A push was refused.");
        }
    }

    /// <summary>A site that there is not: it makes posts and signs them.</summary>
    private sealed class Origin
    {
        private readonly string _tag;
        private readonly GroupSigner _signer;
        private long _seq;

        public Origin(string hive)
        {
            var (root, seed) = (SHA256.HashData(Encoding.UTF8.GetBytes($"root {hive}")), SHA256.HashData(Encoding.UTF8.GetBytes(hive)));
            var rootKey = Ed25519.Encode(Ed25519.Best.PublicKey(root));
            var instance = KeyCertificate.InstanceOf(rootKey)!;
            Key = Ed25519.Encode(Ed25519.Best.PublicKey(seed));
            _tag = HiveIds.TagOf(hive);
            _signer = new(hive, instance,
                new(rootKey, Key, 1, hive, KeptKey.Sign(root, KeyCertificate.SignedText(instance, hive, 1, Key))), seed);
        }

        public string Key { get; }

        /// <summary>The next events; the first of all is the certificate.</summary>
        public List<MeshEvent> Next(int count)
        {
            var from = _seq;
            _seq += count;
            var events = new MeshEvent[count];
            Parallel.For(0, count, i => events[i] = _signer.Sign(from + i + 1, from + i == 0
                ? new(KeyCertificate.EventType, _signer.Certificate.Payload()) : Post(from + i), DateTimeOffset.UtcNow));
            return [.. events];
        }

        private HiveChange Post(long number) => new(HiveEventTypes.PostCreated, JsonSerializer.Serialize(new
        {
            post_id = HiveIds.New(_tag, _signer.InstanceId, $"{number}"), title = $"Post {number}",
            content = "A text as agents write it: what was found, where, and what is to be done about it by whom.", url = (string?)null,
            author = new { instance_id = _signer.InstanceId, agent_id = $"agent{number % 16}", name = $"agent{number % 16}",
                avatar_url = (string?)null },
        }));
    }
}
