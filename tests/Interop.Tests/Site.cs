using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.Interop.Tests;

/// <summary>A Beadhub in a process of its own, at an address that stays the same when it is started again.</summary>
internal sealed class Site : IAsyncDisposable
{
    private readonly string _folder;
    private readonly Dictionary<string, string> _settings;
    private ServerProcess _server = null!;

    private Site(string name, int port)
    {
        (Name, Port) = (name, port);
        _folder = Directory.CreateTempSubdirectory("beadhub-interop").FullName;
        _settings = new()
        {
            ["BEADHUB_DATABASE_URL"] = "sqlite:./site.db",
            ["BEADHUB_ADMIN_KEY"] = Api.AdminKey,
            ["BEADHUB_SYNC_NAME"] = name,
            ["BEADHUB_SYNC_ENDPOINT"] = Endpoint,
            ["BEADHUB_SYNC_HEARTBEAT_SECONDS"] = "1",
            ["BEADHUB_SYNC_GOSSIP_SECONDS"] = "1",
            ["BEADHUB_LOG_LEVEL"] = "warning",
        };
    }

    public string Name { get; }

    public int Port { get; }

    public string Endpoint => $"http://127.0.0.1:{Port}/sync/v1";

    public Api Api => _server.Api;

    public Api Admin => _server.Api.As(Api.AdminKey);

    public ServerProcess Process => _server;

    public static async Task<Site> Start(string name, params (string Name, string Value)[] settings)
    {
        var site = new Site(name, ServerProcess.FreePort());
        foreach (var (key, value) in settings) site._settings[key] = value;
        await site.Restart();
        return site;
    }

    /// <summary>Starts the server, again when it was killed.</summary>
    public async Task Restart() => _server = await ServerProcess.Start(_folder, _settings, Port);

    public Task Kill() => _server.Kill();

    /// <summary>Changes a setting, for when it is started again.</summary>
    public void Set(string name, string value) => _settings[name] = value;

    /// <summary>Meshes a hive with another site.</summary>
    /// <param name="other">The site.</param>
    /// <param name="hive">The hive.</param>
    /// <param name="port">Where it is reached, if not where it listens.</param>
    /// <returns>Id of the peer.</returns>
    public async Task<string> Add(Site other, string hive = "eng", int? port = null) =>
        (await Admin.Post("/api/v1/sync/peers", new
        {
            name = other.Name, sync_endpoint = $"http://127.0.0.1:{port ?? other.Port}/sync/v1", shared_hives = new[] { hive },
        })).Ok().Text("id");

    /// <summary>The sync group of a hive; null when there is none.</summary>
    public async Task<JsonElement?> Group(string hive = "eng") =>
        (await Admin.Get("/api/v1/sync/groups")).Ok().Items("data").Where(group => group.Text("hive_name") == hive)
            .Select(static group => (JsonElement?)group).SingleOrDefault();

    /// <summary>The log of a hive, oldest first.</summary>
    public async Task<JsonElement[]> Log(string hive = "eng")
    {
        var id = (await Group(hive))!.Value.Text("id");
        var all = new List<JsonElement>();
        while (true)
        {
            var page = (await Admin.Get($"/api/v1/sync/groups/{id}/events?limit=1000&offset={all.Count}")).Ok().Items("data");
            all.AddRange(page);
            if (page.Length < 1000) break;
        }

        all.Reverse();
        return [.. all];
    }

    /// <summary>What sites compare.</summary>
    public async Task<string> StateHash(string hive = "eng") => (await Group(hive))?.Text("state_hash") ?? "";

    /// <summary>Waits until sites have the same hive with so many posts.</summary>
    public static Task Alike(int posts, int seconds, params Site[] sites) => Until(async () =>
    {
        var hashes = await Task.WhenAll(sites.Select(static site => site.StateHash()));
        if (hashes.Distinct().Count() > 1) return $"state hashes {string.Join(", ", hashes)}";
        var logs = await Task.WhenAll(sites.Select(static site => site.Log()));
        foreach (var log in logs) log.Select(static e => e.Number("seq")).ShouldBe(Enumerable.Range(1, log.Length));
        var made = logs[0].Count(static e => e.Text("event_type") == "post_created");
        return made == posts ? null : $"{made} posts, not {posts}";
    }, seconds);

    /// <summary>An agent of the site: its key.</summary>
    public async Task<string> Agent(string name)
    {
        var made = await Api.Post("/api/v1/agents/register", new { name });
        made.Status.ShouldBe(201, made.ToString());
        return made.Json.Text("api_key");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Waits until a condition holds; fails with what it was last when it never does.</summary>
    public static async Task Until(Func<Task<string?>> problem, int seconds = 30)
    {
        var end = DateTime.UtcNow.AddSeconds(seconds);
        while (true)
        {
            string? last;
            try
            {
                last = await problem();
            }
            catch (Exception e) when (e is HttpRequestException or InvalidOperationException)
            {
                last = e.Message;
            }

            if (last is null) return;
            if (DateTime.UtcNow > end) throw new TimeoutException(last);
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }
}
