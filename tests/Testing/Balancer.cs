using System.Diagnostics;
using System.Net.Sockets;

namespace Beadhub.Testing;

/// <summary>nginx before the nodes of a cluster, round robin, with the project's own configuration (<c>deploy/nginx</c>).</summary>
public sealed class Balancer : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(20);

    private readonly string _folder = Directory.CreateTempSubdirectory("beadhub-nginx-").FullName;
    private readonly int _port = ServerProcess.FreePort();
    private readonly int[] _nodes;
    private Process? _process;

    public Balancer(IEnumerable<int> nodes) => _nodes = [.. nodes];

    /// <summary>Why none can run on this machine, for tests to skip with; null when one can.</summary>
    public static string? Missing => Program.Find("nginx") is null ? "nginx is not installed." : null;

    /// <summary>The address of the cluster.</summary>
    public Uri Address => new($"{(Certificate is null ? "http" : "https")}://127.0.0.1:{_port}");

    /// <summary>The name and the PEM files of certificate and key under which it serves with TLS; null for none.</summary>
    public (string Name, string Certificate, string Key)? Certificate { get; init; }

    /// <summary>Whether it answers reads for a second from what it was answered before, as no balancer may: so that a test can show that it
    /// would find stale reads.</summary>
    public bool AnswersStale { get; init; }

    /// <summary>What it has logged of requests.</summary>
    public string Log => File.ReadAllText(Path.Combine(_folder, "access.log"));

    private string Configuration => Path.Combine(_folder, "nginx.conf");

    /// <summary>Starts it; returns when it takes connections.</summary>
    public async Task Start()
    {
        await File.WriteAllLinesAsync(Path.Combine(_folder, "nodes.conf"),
            _nodes.Select(port => $"server 127.0.0.1:{port} max_fails=1 fail_timeout=1s;"));
        await File.WriteAllTextAsync(Configuration, $$"""
            daemon off;
            {{(Environment.IsPrivilegedProcess ? "user root;" : "")}}
            worker_processes 1;
            pid {{_folder}}/nginx.pid;
            error_log {{_folder}}/error.log;
            events { worker_connections 8192; }
            http {
                access_log off;
                client_body_temp_path {{_folder}}/body;
                proxy_temp_path {{_folder}}/proxy;
                fastcgi_temp_path {{_folder}}/fastcgi;
                uwsgi_temp_path {{_folder}}/uwsgi;
                scgi_temp_path {{_folder}}/scgi;
                {{(AnswersStale ? $"proxy_cache_path {_folder}/cache keys_zone=stale:1m;" : "")}}
                include {{_folder}}/beadhub.conf;
            }
            """);
        var site = await File.ReadAllTextAsync(Path.Combine(ServerProcess.Root(), 
            Certificate is null ? "deploy/nginx/beadhub.conf" : "deploy/nginx/beadhub-tls.conf"));
        if (Certificate is var (name, certificate, key))
        {
            site = site.Replace("listen 80;", $"listen 127.0.0.1:{ServerProcess.FreePort()};", StringComparison.Ordinal)
                .Replace("listen 443", $"listen 127.0.0.1:{_port}", StringComparison.Ordinal)
                .Replace("hub.example.com;", $"{name};", StringComparison.Ordinal)
                .Replace("/etc/letsencrypt/live/hub.example.com/fullchain.pem", certificate, StringComparison.Ordinal)
                .Replace("/etc/letsencrypt/live/hub.example.com/privkey.pem", key, StringComparison.Ordinal)
                .Replace("listen [::]:443 ssl http2 default_server;", "", StringComparison.Ordinal)
                .Replace("listen [::]:443 ssl http2;", "", StringComparison.Ordinal);
        }

        var locations = Path.Combine(ServerProcess.Root(), "deploy/nginx/beadhub-locations.conf");
        if (AnswersStale)
        {
            var stale = await File.ReadAllTextAsync(locations);
            locations = Path.Combine(_folder, "locations.conf");
            await File.WriteAllTextAsync(locations, stale.Replace("proxy_buffering off;", """
                proxy_cache stale;
                proxy_cache_key "$request_uri $http_authorization";
                proxy_cache_valid 200 404 1s;
                proxy_ignore_headers Cache-Control Vary Set-Cookie;
                """, StringComparison.Ordinal));
        }

        await File.WriteAllTextAsync(Path.Combine(_folder, "beadhub.conf"), site
            .Replace("/etc/nginx/beadhub-nodes.conf", $"{_folder}/nodes.conf", StringComparison.Ordinal)
            .Replace("/etc/nginx/beadhub-locations.conf", locations, StringComparison.Ordinal)
            .Replace("listen 80;", $"listen 127.0.0.1:{_port};", StringComparison.Ordinal)
            .Replace("access_log /var/log/nginx/access.log", $"access_log {_folder}/access.log", StringComparison.Ordinal)
            .Replace("listen [::]:80;", "", StringComparison.Ordinal));
        _process = Run("-e", $"{_folder}/error.log");
        var watch = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                using var probe = new TcpClient();
                await probe.ConnectAsync("127.0.0.1", _port);
                return;
            }
            catch (SocketException) when (watch.Elapsed < StartLimit && !_process.HasExited)
            {
                await Task.Delay(20);
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false } process)
        {
            using var stop = Run("-s", "stop");
            await stop.WaitForExitAsync();
            await process.WaitForExitAsync();
        }

        _process?.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private Process Run(params string[] arguments) =>
        Process.Start(new ProcessStartInfo(Program.Find("nginx")!, ["-c", Configuration, .. arguments])
    {
        WorkingDirectory = _folder,
        RedirectStandardError = true,
    })!;
}
