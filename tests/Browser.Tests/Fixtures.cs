using System.Collections.Concurrent;
using Beadhub.BrowserTests;
using Beadhub.Testing;
using Microsoft.Playwright;

[assembly: AssemblyFixture(typeof(Chromium))]
[assembly: AssemblyFixture(typeof(OneServer))]
[assembly: CollectionBehavior(MaxParallelThreads = 2)]

namespace Beadhub.BrowserTests;

/// <summary>The browser, started once: Debian's, or the one that BEADHUB_TEST_CHROMIUM names. Without one the tests are skipped, and say
/// so.</summary>
public sealed class Chromium : IAsyncLifetime
{
    private static readonly string[] Known = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public IBrowser Browser
    {
        get
        {
            Assert.SkipUnless(_browser is not null, "Chromium is not installed (apt-get install chromium): no page was looked at");
            return _browser;
        }
    }

    public async ValueTask InitializeAsync()
    {
        var path = Environment.GetEnvironmentVariable("BEADHUB_TEST_CHROMIUM") ?? Known.FirstOrDefault(File.Exists);
        if (path is null) return;
        Assertions.SetDefaultExpectTimeout(30_000);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = path, Args = ["--no-sandbox", "--disable-gpu"] });
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        _playwright?.Dispose();
    }
}

/// <summary>The server that most tests share, each in projects of its own.</summary>
public sealed class OneServer : IAsyncLifetime
{
    private readonly OwnServer _server = new();

    public Api Api => _server.Api;

    public async ValueTask InitializeAsync() => await _server.Start();

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}

/// <summary>A server on a database of its own, which may be killed and come back at the same address.</summary>
public sealed class OwnServer(params (string Name, string Value)[] settings) : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("beadhub-browser-");
    private ServerProcess? _server;

    public Api Api => _server!.Api;

    public async Task<OwnServer> Start()
    {
        var all = new Dictionary<string, string>
        {
            ["BEADHUB_DATABASE_URL"] = $"sqlite:{_folder.FullName}/data.db",
            ["BEADHUB_ADMIN_KEY"] = Api.AdminKey,
            ["BEADHUB_INIT_RATE_LIMIT"] = "100000",
            ["BEADHUB_INTERNAL_AUTH_SECRET"] = ProxyHeaders.Secret,
            ["BEADHUB_SSE_KEEPALIVE_SECONDS"] = "1",
        };
        foreach (var (name, value) in settings) all[name] = value;
        _server = await ServerProcess.Start(_folder.FullName, all, _server?.Api.Address.Port);
        return this;
    }

    public Task Kill() => _server!.Kill();

    public async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}

/// <summary>A tab of its own. When it is closed, nothing may have been wrong in it: no error on the console, nothing that the policy had to
/// refuse.</summary>
public sealed class Tab : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly ConcurrentQueue<string> _errors = [];
    private readonly List<string> _expected = [];
    private readonly string _address;

    private Tab(IBrowserContext context, IPage page, Api api)
    {
        (_context, Page, _address) = (context, page, api.Address.ToString());
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning") _errors.Enqueue(message.Text);
        };
        page.PageError += (_, error) => _errors.Enqueue(error);
        page.Dialog += (_, dialog) =>
        {
            _errors.Enqueue($"A script ran: {dialog.Message}");
            _ = dialog.DismissAsync();
        };
    }

    public IPage Page { get; }

    public static async Task<Tab> Open(Chromium chromium, Api api, int width = 1280, ColorScheme scheme = ColorScheme.Light,
        params (string Name, string Value)[] headers)
    {
        var context = await chromium.Browser.NewContextAsync(new()
        {
            BaseURL = api.Address.ToString(),
            ViewportSize = new() { Width = width, Height = 844 },
            ColorScheme = scheme,
            ExtraHTTPHeaders = headers.Select(header => KeyValuePair.Create(header.Name, header.Value)),
        });
        await context.AddInitScriptAsync("addEventListener('securitypolicyviolation', e => console.error('CSP', e.violatedDirective));");
        return new(context, await context.NewPageAsync(), api);
    }

    /// <summary>A tab in which an agent's key has signed in, at a view.</summary>
    public static async Task<Tab> Of(Chromium chromium, Agent agent, string place = "", int width = 1280,
        ColorScheme scheme = ColorScheme.Light)
    {
        var tab = await Open(chromium, agent, width, scheme);
        await tab.Go(place);
        await tab.SignIn(agent.Key);
        await tab.Live();
        return tab;
    }

    public async Task Go(string place) => await Page.GotoAsync(place.Length == 0 ? "" : $"#/{place}");

    public async Task SignIn(string key)
    {
        await Page.GetByLabel("Key or invite").FillAsync(key);
        await Page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
    }

    /// <summary>Waits until events come, and the view has loaded.</summary>
    public async Task Live()
    {
        await Assertions.Expect(Page.Locator(".line.live")).ToBeVisibleAsync();
        await Assertions.Expect(Page.Locator(".loading")).ToHaveCountAsync(0);
    }

    /// <summary>Says that the console may show errors with these words: the browser writes there what the network refuses.</summary>
    public void Expect(params string[] words) => _expected.AddRange(words);

    public ILocator Text(string text) => Page.GetByText(text, new() { Exact = true });

    public ILocator Button(string name) => Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    public ILocator Link(string name) => Page.GetByRole(AriaRole.Link, new() { Name = name });

    /// <summary>Waits until an element is to be seen.</summary>
    public static Task Sees(ILocator what) => Assertions.Expect(what.First).ToBeVisibleAsync();

    public Task Sees(string text) => Sees(Page.Locator("main").GetByText(text));

    /// <summary>Waits until it is no longer there.</summary>
    public static Task SeesNo(ILocator what) => Assertions.Expect(what).ToHaveCountAsync(0);

    public Task SeesNo(string text) => SeesNo(Page.Locator("main").GetByText(text));

    public async ValueTask DisposeAsync()
    {
        var errors = _errors.Where(error => !_expected.Exists(word => error.Contains(word, StringComparison.Ordinal))).ToList();
        if (Environment.GetEnvironmentVariable("BEADHUB_TEST_SCREENSHOTS") is { } folder && TestContext.Current.Test is { } test)
            await Page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{string.Concat(test.TestDisplayName.Split(
                Path.GetInvalidFileNameChars()))}.png") });
        await _context.DisposeAsync();
        errors.ShouldBeEmpty(_address);
    }
}
