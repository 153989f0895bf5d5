using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Beadhub.Chat;
using Beadhub.Gateway;
using Beadhub.Gateway.HiveSync;
using Beadhub.Gateway.Metrics;
using Beadhub.Hosting.Backups;
using Beadhub.Remotes;

namespace Beadhub.Hosting;

/// <summary>What an operator may set, by environment variables (contract 21).</summary>
public sealed record Settings
{
    /// <summary>Where data lives: <c>sqlite:PATH</c>, a <c>postgres://</c> URL or an Npgsql string. <c>BEADHUB_DATABASE_URL</c>, else
    /// <c>DATABASE_URL</c>.</summary>
    public string DatabaseUrl { get; init; } = "sqlite:./.beadhub/beadhub.db";

    /// <summary>Address to listen on; <c>0.0.0.0</c> or <c>*</c> for all of the machine. <c>BEADHUB_HOST</c>.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>Port to listen on. <c>BEADHUB_PORT</c>.</summary>
    public int Port { get; init; } = 8000;

    /// <summary>Whether other nodes share the database. <c>BEADHUB_CLUSTER</c>.</summary>
    public bool Cluster { get; init; }

    /// <summary>Where the nodes of a cluster meet: <c>redis://…</c>; null for none. <c>BEADHUB_REDIS_URL</c>, else
    /// <c>REDIS_URL</c>.</summary>
    public string? RedisUrl { get; init; }

    /// <summary>Names the cluster, for several on one database; the Orleans engine only. <c>BEADHUB_CLUSTER_ID</c>.</summary>
    public string ClusterId { get; init; } = "beadhub";

    /// <summary>
    /// Address under which the other nodes reach this one; null for the machine's first that is not the loopback. The Orleans engine only.
    /// <c>BEADHUB_SILO_ADDRESS</c>.
    /// </summary>
    public IPAddress? SiloAddress { get; init; }

    /// <summary>Port for the other nodes; null for 11111 in a cluster, else any that is free. The Orleans engine only.
    /// <c>BEADHUB_SILO_PORT</c>.</summary>
    public int? SiloPort { get; init; }

    /// <summary>Port for Orleans clients in other processes; 0 for none. The Orleans engine only, in a cluster.
    /// <c>BEADHUB_SILO_GATEWAY_PORT</c>.</summary>
    public int SiloGatewayPort { get; init; } = 30000;

    /// <summary>Whether somebody collects traces, so that calls of grains are traced too. The Orleans engine only; the program sets it
    /// where <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> or its like names a collector.</summary>
    public bool TracesCalls { get; init; }

    /// <summary>Connections that one address may hold at a time; trusted proxies are not counted.
    /// <c>BEADHUB_CONNECTIONS_PER_ADDRESS</c>.</summary>
    public int ConnectionsPerAddress { get; init; } = 2000;

    /// <summary>
    /// How long the line and headers of a request may take, and a body that brings fewer than 240 bytes a second; null for the web server's
    /// own limits: 30 seconds, and 5 for a body. <c>BEADHUB_REQUEST_TIMEOUT_SECONDS</c>.
    /// </summary>
    public TimeSpan? RequestTimeout { get; init; }

    /// <summary>The least that is logged. <c>BEADHUB_LOG_LEVEL</c>.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>One JSON object a line; null means unless standard error is a terminal. <c>BEADHUB_LOG_JSON</c>.</summary>
    public bool? LogJson { get; init; }

    /// <summary>How long an agent counts as present after a sign of life. <c>BEADHUB_PRESENCE_TTL_SECONDS</c>.</summary>
    public TimeSpan PresenceTtl { get; init; } = TimeSpan.FromSeconds(1800);

    /// <summary>Folder with the policy that projects start with; null for the one built in. <c>BEADHUB_DEFAULTS_DIR</c>.</summary>
    public string? DefaultsDirectory { get; init; }

    /// <summary>
    /// Key under which secrets are sealed: the seeds of agents for which the server signs (without it none are kept), and the secrets of
    /// webhooks.
    /// <c>BEADHUB_SECRET_KEY</c>, else <c>AWEB_CUSTODY_KEY</c>; 64 hex digits.
    /// </summary>
    public byte[]? SecretKey { get; init; }

    /// <summary>Keys that only open what they have sealed: <c>AWEB_CUSTODY_KEY</c> beside a <c>BEADHUB_SECRET_KEY</c>.</summary>
    public ImmutableArray<byte[]> OlderSecretKeys { get; init; } = [];

    /// <summary>File that says how people are reached outside the server; null for not at all. <c>BEADHUB_NOTIFY_FILE</c>.</summary>
    public string? NotifyFile { get; init; }

    /// <summary>Folder in which backups of every project are kept as JSONL; null for none. <c>BEADHUB_BACKUP_DIR</c>.</summary>
    public string? BackupDirectory { get; init; }

    /// <summary>
    /// Bucket in which they are kept instead; null for none. <c>BEADHUB_BACKUP_DIR</c>, when it is such an address, with
    /// <c>BEADHUB_REMOTE_USER</c> and <c>BEADHUB_REMOTE_PASSWORD_FILE</c> or <c>BEADHUB_REMOTE_PASSWORD</c>.
    /// </summary>
    public BackupBucket? BackupBucket { get; init; }

    /// <summary>How often projects that changed are backed up. <c>BEADHUB_BACKUP_SECONDS</c>.</summary>
    public TimeSpan BackupEvery { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Most backups that are kept of a project. <c>BEADHUB_BACKUP_KEEP</c>.</summary>
    public int BackupsKept { get; init; } = 48;

    /// <summary>Age from which a backup is removed, unless it is its project's newest. <c>BEADHUB_BACKUP_KEEP_DAYS</c>.</summary>
    public TimeSpan BackupsKeptFor { get; init; } = TimeSpan.FromDays(30);

    /// <summary>What concerns HTTP.</summary>
    public GatewaySettings Gateway { get; init; } = new();

    /// <summary>The settings that the environment variables give.</summary>
    /// <exception cref="SettingsException">A variable holds what it may not.</exception>
    public static Settings FromEnvironment(Func<string, string?> variable)
    {
        var defaults = new Settings();
        return defaults with
        {
            DatabaseUrl = Text("BEADHUB_DATABASE_URL") ?? Text("DATABASE_URL") ?? defaults.DatabaseUrl,
            Host = Text("BEADHUB_HOST") ?? defaults.Host,
            Port = Integer("BEADHUB_PORT", defaults.Port, 1, 65535),
            Cluster = Flag("BEADHUB_CLUSTER") ?? false,
            RedisUrl = Text("BEADHUB_REDIS_URL") ?? Text("REDIS_URL"),
            ClusterId = Name("BEADHUB_CLUSTER_ID") ?? defaults.ClusterId,
            SiloAddress = Address("BEADHUB_SILO_ADDRESS"),
            SiloPort = Text("BEADHUB_SILO_PORT") is null ? null : Integer("BEADHUB_SILO_PORT", 0, 1, 65535),
            SiloGatewayPort = Integer("BEADHUB_SILO_GATEWAY_PORT", defaults.SiloGatewayPort, 0, 65535),
            ConnectionsPerAddress = Integer("BEADHUB_CONNECTIONS_PER_ADDRESS", defaults.ConnectionsPerAddress, 1, int.MaxValue),
            RequestTimeout = Text("BEADHUB_REQUEST_TIMEOUT_SECONDS") is null
                ? null : TimeSpan.FromSeconds(Integer("BEADHUB_REQUEST_TIMEOUT_SECONDS", 0, 2, 3_600)),
            LogLevel = Level(Text("BEADHUB_LOG_LEVEL")),
            LogJson = Flag("BEADHUB_LOG_JSON"),
            PresenceTtl = TimeSpan.FromSeconds(Integer("BEADHUB_PRESENCE_TTL_SECONDS", 1800, 10, int.MaxValue)),
            DefaultsDirectory = Text("BEADHUB_DEFAULTS_DIR"),
            NotifyFile = Text("BEADHUB_NOTIFY_FILE"),
            BackupDirectory = Text("BEADHUB_BACKUP_DIR") is { } folder && !IsAddress(folder) ? folder : null,
            BackupBucket = Text("BEADHUB_BACKUP_DIR") is { } bucket && IsAddress(bucket) ? Bucket("BEADHUB_BACKUP_DIR", bucket) : null,
            BackupEvery = TimeSpan.FromSeconds(Integer("BEADHUB_BACKUP_SECONDS", 3_600, 1, 31_536_000)),
            BackupsKept = Integer("BEADHUB_BACKUP_KEEP", defaults.BackupsKept, 1, 1_000_000),
            BackupsKeptFor = TimeSpan.FromDays(Integer("BEADHUB_BACKUP_KEEP_DAYS", 30, 1, 36_500)),
            SecretKey = Key("BEADHUB_SECRET_KEY") ?? Key("AWEB_CUSTODY_KEY"),
            OlderSecretKeys = Key("BEADHUB_SECRET_KEY") is not null && Key("AWEB_CUSTODY_KEY") is { } older ? [older] : [],
            Gateway = new()
            {
                Bootstrap = Flag("BEADHUB_BOOTSTRAP") ?? true,
                Join = Join(Text("BEADHUB_JOIN")),
                ServerUrl = Text("AWEB_SERVER_URL") ?? "",
                AllowedHosts = Hosts("BEADHUB_ALLOWED_HOSTS"),
                CorsOrigins = Origins("BEADHUB_CORS_ORIGINS"),
                TrustedProxies = Networks("BEADHUB_TRUSTED_PROXIES"),
                Drain = TimeSpan.FromSeconds(Integer("BEADHUB_DRAIN_SECONDS", Flag("BEADHUB_CLUSTER") is true ? 5 : 0, 0, 3_600)),
                InternalAuthSecret = Text("BEADHUB_INTERNAL_AUTH_SECRET") ?? Text("SESSION_SECRET_KEY"),
                AdminKey = Secret("BEADHUB_ADMIN_KEY"),
                InitRateLimit = Integer("BEADHUB_INIT_RATE_LIMIT", 10, 1, int.MaxValue),
                InitRateWindow = TimeSpan.FromSeconds(Integer("BEADHUB_INIT_RATE_WINDOW", 60, 1, 86_400)),
                MailRateLimit = Integer("BEADHUB_MAIL_RATE_LIMIT", 600_000, 0, int.MaxValue),
                ReposOpen = Flag("BEADHUB_REPOS_OPEN") ?? false,
                WebhooksAllowPrivate = Flag("BEADHUB_WEBHOOKS_ALLOW_PRIVATE") ?? false,
                WebhookTimeout = TimeSpan.FromSeconds(Integer("BEADHUB_WEBHOOKS_TIMEOUT_SECONDS", 10, 1, 300)),
                WebhookLimits = new(
                    Integer("BEADHUB_WEBHOOKS_MAX_FAILURES", 100, 1, int.MaxValue),
                    TimeSpan.FromHours(Integer("BEADHUB_WEBHOOKS_MAX_FAILING_HOURS", 24, 1, 8_760))),
                KeepAlive = TimeSpan.FromSeconds(Integer("BEADHUB_SSE_KEEPALIVE_SECONDS", 30, 1, 3_600)),
                ChatReplay = Replay(Text("BEADHUB_CHAT_REPLAY")),
                Metrics = Access(Text("BEADHUB_METRICS")),
                Mesh = Mesh(),
                Remotes = new(Text("BEADHUB_REMOTES_DIR"), Hosts("BEADHUB_REMOTE_HOSTS"),
                    Flag("BEADHUB_REMOTES_ALLOW_PRIVATE") ?? false),
                Quotas = new(Quota("BEADHUB_QUOTA_BEADS"), Quota("BEADHUB_QUOTA_MAIL"), Quota("BEADHUB_QUOTA_STREAMS"),
                    Quota("BEADHUB_QUOTA_BYTES")),
                StreamsPerAgent = Integer("BEADHUB_STREAMS_PER_AGENT", 1000, 1, int.MaxValue),
                ChatStreamsPerAgent = Text("BEADHUB_CHAT_STREAMS_PER_AGENT") is null
                    ? null : Integer("BEADHUB_CHAT_STREAMS_PER_AGENT", 1000, 1, int.MaxValue),
            },
        };

        MeshSettings Mesh()
        {
            var mesh = new MeshSettings();
            return mesh with
            {
                Enabled = Flag("BEADHUB_SYNC") ?? true,
                Name = Text("BEADHUB_SYNC_NAME") ?? mesh.Name,
                Endpoint = Text("BEADHUB_SYNC_ENDPOINT") is { } own
                    ? MeshSettings.EndpointOf(own)
                        ?? throw new SettingsException(
                            $"BEADHUB_SYNC_ENDPOINT must be a URL such as http://10.0.0.5:8000/sync/v1, not '{own}'")
                    : null,
                Secret = Secret("BEADHUB_SYNC_SECRET"),
                Networks = Text("BEADHUB_SYNC_NETWORKS") is null ? mesh.Networks : Networks("BEADHUB_SYNC_NETWORKS"),
                Peers = Peers("BEADHUB_SYNC_PEERS"),
                Heartbeat = TimeSpan.FromSeconds(Integer("BEADHUB_SYNC_HEARTBEAT_SECONDS", 30, 1, 3_600)),
                PeerTimeout = TimeSpan.FromSeconds(Integer("BEADHUB_SYNC_PEER_TIMEOUT_SECONDS", 300, 1, 86_400)),
                EventsPerSecond = Integer("BEADHUB_SYNC_EVENTS_PER_SECOND", mesh.EventsPerSecond, 1, 1_000_000),
                EventsBurst = Integer("BEADHUB_SYNC_EVENTS_BURST", mesh.EventsBurst, 1, 10_000_000),
                Gossip = Flag("BEADHUB_SYNC_GOSSIP") ?? true,
                GossipTtl = Integer("BEADHUB_SYNC_GOSSIP_TTL", mesh.GossipTtl, 0, 16),
                GossipHubTtl = Integer("BEADHUB_SYNC_GOSSIP_HUB_TTL", mesh.GossipHubTtl, 0, 16),
                GossipInterval = TimeSpan.FromSeconds(Integer("BEADHUB_SYNC_GOSSIP_SECONDS", 60, 1, 3_600)),
                GossipMaxPeers = Integer("BEADHUB_SYNC_GOSSIP_MAX_PEERS", mesh.GossipMaxPeers, 0, 500),
                GossipMaxFailures = Integer("BEADHUB_SYNC_GOSSIP_MAX_FAILURES", mesh.GossipMaxFailures, 1, 1_000),
            };
        }

        ImmutableArray<StaticPeer> Peers(string name) =>
        [
            .. (Text(name) ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(part =>
                part.IndexOf('=') is > 0 and var equals && part.LastIndexOf('|') is var bar && bar > equals
                && MeshSettings.EndpointOf(part[(equals + 1)..bar].Trim()) is { } endpoint
                && part[(bar + 1)..].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) is [_, ..] hives
                    ? new StaticPeer(part[..equals].Trim(), endpoint, [.. hives])
                    : throw new SettingsException(
                        $"{name} must be peers such as berlin=http://10.0.0.5:8000/sync/v1|engineering,research with semicolons between "
                        + $"them, not '{part}'")),
        ];

        static bool IsAddress(string text) => text.Contains("://", StringComparison.Ordinal);

        // What an address says is not repeated: it may hold a password.
        BackupBucket Bucket(string name, string text)
        {
            try
            {
                var address = RemoteAddress.Parse(text);
                if (address.Kind != RemoteKind.Bucket)
                    throw new SettingsException($"{name} must be a folder, written as a path, or s3://bucket/prefix or gs://bucket/prefix");
                return RemoteCredentials.Of(Text) is { User.Length: > 0 } credentials ? new(address, credentials)
                    : throw new SettingsException($"{name} is a bucket, which wants an access key as BEADHUB_REMOTE_USER, and its secret "
                        + "key as BEADHUB_REMOTE_PASSWORD_FILE or BEADHUB_REMOTE_PASSWORD");
            }
            catch (RemoteException e)
            {
                throw new SettingsException($"{name}: {e.Message}");
            }
        }

        string? Text(string name) => variable(name) is { Length: > 0 } text ? text : null;

        int Integer(string name, int otherwise, int min, int max)
        {
            if (Text(name) is not { } text) return otherwise;
            return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= min
                && number <= max
                ? number
                : throw new SettingsException($"{name} must be a whole number from {min} to {max}, not '{text}'");
        }

        long? Quota(string name) => Text(name) is not { } text ? null
            : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number == 0 ? null : number
            : throw new SettingsException($"{name} must be a whole number, 0 for no limit, not '{text}'");

        bool? Flag(string name) => Text(name)?.ToLowerInvariant() switch
        {
            null => null,
            "1" or "true" or "yes" or "on" => true,
            "0" or "false" or "no" or "off" => false,
            var other => throw new SettingsException($"{name} must be true or false, not '{other}'"),
        };

        // It ends up in a column of limited width, and in names of streams.
        string? Name(string name) =>
            Text(name) is not { } text
            || (text.Length <= 100 && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
            ? Text(name)
            : throw new SettingsException($"{name} must be at most 100 letters, digits, dots, hyphens and underscores, not '{text}'");

        IPAddress? Address(string name) => Text(name) is not { } text ? null
            : IPAddress.TryParse(text, out var address) ? address
            : throw new SettingsException($"{name} must be an IP address, not '{text}'");

        ImmutableArray<IPNetwork> Networks(string name) =>
        [
            .. (Text(name) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(part =>
                IPNetwork.TryParse(part, out var network) ? network
                : IPAddress.TryParse(part, out var address)
                    ? new IPNetwork(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128)
                : throw new SettingsException($"{name} must be IP addresses and networks with commas between them, not '{part}'")),
        ];

        ImmutableArray<string> Hosts(string name) =>
        [
            .. (Text(name) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(part =>
                part == "*"
                    || Uri.CheckHostName(HostString.FromUriComponent(part.StartsWith("*.", StringComparison.Ordinal) ? part[2..]
                    : part).Host) != UriHostNameType.Unknown
                    ? part
                    : throw new SettingsException(
                        $"{name} must be names of hosts with commas between them (name, name:port, *.name, or *), not '{part}'")),
        ];

        // As browsers write them: a port that is the scheme's own, or a path, would match no page.
        ImmutableArray<string> Origins(string name) =>
        [
            .. (Text(name) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(part =>
                Uri.TryCreate(part, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
                    && url.GetLeftPart(UriPartial.Authority) == part && url.UserInfo.Length == 0
                    ? part
                    : throw new SettingsException(
                        $"{name} must be sites with commas between them (https://app.example.com), not '{part}'")),
        ];

        static ChatReplay Replay(string? text) => text?.ToLowerInvariant() switch
        {
            null or "by-client" => ChatReplay.ByClient,
            "unread+own-recent" => ChatReplay.UnreadAndOwnRecent,
            "own-recent" => ChatReplay.OwnRecent,
            "last50" => ChatReplay.Last50,
            "none" => ChatReplay.None,
            _ => throw new SettingsException(
                $"BEADHUB_CHAT_REPLAY must be by-client, none, own-recent, unread+own-recent or last50, not '{text}'"),
        };

        static JoinMode? Join(string? text) => text?.ToLowerInvariant() switch
        {
            null => null,
            "open" => JoinMode.Open,
            "invite" => JoinMode.Invite,
            _ => throw new SettingsException($"BEADHUB_JOIN must be open or invite, not '{text}'"),
        };

        static MetricsAccess Access(string? text) => text?.ToLowerInvariant() switch
        {
            null or "local" => MetricsAccess.Local,
            "direct" => MetricsAccess.Direct,
            "all" => MetricsAccess.All,
            "off" => MetricsAccess.Off,
            _ => throw new SettingsException($"BEADHUB_METRICS must be local, direct, all or off, not '{text}'"),
        };

        // One that can be guessed, or that is told from an API key by nothing, must not open everything. It goes into a header.
        string? Secret(string name) => Text(name) is not { } text ? null
            : text.Length < GatewaySettings.LeastAdminKey || text.Length > 512 || text.Any(static c => c is <= ' ' or > '~')
                ? throw new SettingsException(
                    $"{name} must be {GatewaySettings.LeastAdminKey} to 512 printable ASCII characters without spaces, for example of "
                    + $"'openssl rand -hex 32'")
            : text.StartsWith("aw_sk_", StringComparison.Ordinal)
                ? throw new SettingsException($"{name} must not begin as API keys do, with aw_sk_")
            : text;

        byte[]? Key(string name)
        {
            if (Text(name) is not { } text) return null;
            return text.Length == 64 && text.All(char.IsAsciiHexDigit)
                ? Convert.FromHexString(text)
                : throw new SettingsException($"{name} must be 64 hexadecimal digits");
        }

        static LogLevel Level(string? text) => text?.ToLowerInvariant() switch
        {
            null or "info" or "information" => LogLevel.Information,
            "trace" => LogLevel.Trace,
            "debug" => LogLevel.Debug,
            "warn" or "warning" => LogLevel.Warning,
            "error" => LogLevel.Error,
            "critical" => LogLevel.Critical,
            _ => throw new SettingsException($"BEADHUB_LOG_LEVEL must be trace, debug, info, warning, error or critical, not '{text}'"),
        };
    }
}

/// <summary>A setting holds what it may not.</summary>
public sealed class SettingsException(string message) : Exception(message);
