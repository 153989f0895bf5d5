using Beadhub.Gateway.Remotes;
using System.Collections.Immutable;
using System.Net;
using Beadhub.Chat;
using Beadhub.Gateway.HiveSync;
using Beadhub.Gateway.Metrics;
using Beadhub.Projects;
using Beadhub.Webhooks;

namespace Beadhub.Gateway;

/// <summary>What an operator may set about the gateway (contract 21).</summary>
public sealed record GatewaySettings
{
    /// <summary>Secret of the signed proxy headers; null turns them off. <c>BEADHUB_INTERNAL_AUTH_SECRET</c>, else
    /// <c>SESSION_SECRET_KEY</c>.</summary>
    public string? InternalAuthSecret { get; init; }

    /// <summary>The administrators' key, at least <see cref="LeastAdminKey"/> characters; null lets only callers on this machine
    /// administrate. <c>BEADHUB_ADMIN_KEY</c>.</summary>
    public string? AdminKey { get; init; }

    /// <summary>Least length of the administrators' key.</summary>
    public const int LeastAdminKey = 16;

    /// <summary>
    /// Names by which browsers may call this server besides the machine's own: <c>name</c>, <c>name:port</c>, <c>*.name</c>, or <c>*</c>
    /// for any. <c>BEADHUB_ALLOWED_HOSTS</c>.
    /// </summary>
    public ImmutableArray<string> AllowedHosts { get; init; } = [];

    /// <summary>Sites, as <c>https://app.example.com</c>, whose pages may read and write here with a key (CORS).
    /// <c>BEADHUB_CORS_ORIGINS</c>.</summary>
    public ImmutableArray<string> CorsOrigins { get; init; } = [];

    /// <summary>Proxies whose <c>X-Forwarded-For</c> is believed; from all others it is not (contract 3.5).
    /// <c>BEADHUB_TRUSTED_PROXIES</c>.</summary>
    public ImmutableArray<IPNetwork> TrustedProxies { get; init; } = [];

    /// <summary>
    /// How long the server serves on, out of the balancer's sight, after the order to stop. <c>BEADHUB_DRAIN_SECONDS</c>; five seconds in a
    /// cluster, else none.
    /// </summary>
    public TimeSpan Drain { get; init; }

    /// <summary>Bootstraps that one address may make in a window. <c>BEADHUB_INIT_RATE_LIMIT</c>.</summary>
    public int InitRateLimit { get; init; } = 10;

    /// <summary>Length of that window. <c>BEADHUB_INIT_RATE_WINDOW</c>, in seconds.</summary>
    public TimeSpan InitRateWindow { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Mails that one agent may send in a minute; 0 for no limit. <c>BEADHUB_MAIL_RATE_LIMIT</c>.</summary>
    public int MailRateLimit { get; init; } = 600_000;

    /// <summary>Whether <c>/v1/repos</c> works without credentials and across projects, as the reference server's did.
    /// <c>BEADHUB_REPOS_OPEN</c>.</summary>
    public bool ReposOpen { get; init; }

    /// <summary>Silence after which an event stream carries a comment. <c>BEADHUB_SSE_KEEPALIVE_SECONDS</c>.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether webhooks may lead to private addresses, this machine's among them, and without encryption.
    /// <c>BEADHUB_WEBHOOKS_ALLOW_PRIVATE</c>.</summary>
    public bool WebhooksAllowPrivate { get; init; }

    /// <summary>How long an endpoint may take to answer. <c>BEADHUB_WEBHOOKS_TIMEOUT_SECONDS</c>.</summary>
    public TimeSpan WebhookTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>When an endpoint is disabled. <c>BEADHUB_WEBHOOKS_MAX_FAILURES</c> in a row, or
    /// <c>BEADHUB_WEBHOOKS_MAX_FAILING_HOURS</c>.</summary>
    public WebhookLimits WebhookLimits { get; init; } = new(100, TimeSpan.FromHours(24));

    /// <summary>What a chat stream shows of the past when its client does not say from when (protocol 8.9).
    /// <c>BEADHUB_CHAT_REPLAY</c>.</summary>
    public ChatReplay ChatReplay { get; init; } = ChatReplay.ByClient;

    /// <summary>Event streams of all kinds that one agent may have open at a time, on one node. <c>BEADHUB_STREAMS_PER_AGENT</c>.</summary>
    public int StreamsPerAgent { get; init; } = 1000;

    /// <summary>Chat streams among them; null for as many. <c>BEADHUB_CHAT_STREAMS_PER_AGENT</c>.</summary>
    public int? ChatStreamsPerAgent { get; init; }

    /// <summary>What each project may hold unless administrators said otherwise of it. <c>BEADHUB_QUOTA_BEADS</c>, <c>_MAIL</c>,
    /// <c>_STREAMS</c>, <c>_BYTES</c>.</summary>
    public ProjectQuotas Quotas { get; init; } = ProjectQuotas.None;

    /// <summary>Whether <c>POST /v1/init</c> exists, by which anybody may join a project whose slug they know.
    /// <c>BEADHUB_BOOTSTRAP</c>.</summary>
    public bool Bootstrap { get; init; } = true;

    /// <summary>Who may join a project that exists; null for what fits where the server listens (<see cref="Joining"/>).
    /// <c>BEADHUB_JOIN</c>.</summary>
    public JoinMode? Join { get; init; }

    /// <summary>The address under which other servers find this one; shown with resolved agents. <c>AWEB_SERVER_URL</c>.</summary>
    public string ServerUrl { get; init; } = "";

    /// <summary>Whether other nodes write the same log. <c>BEADHUB_CLUSTER</c>.</summary>
    public bool Cluster { get; init; }

    /// <summary>Who may read <c>/metrics</c>. <c>BEADHUB_METRICS</c>.</summary>
    public MetricsAccess Metrics { get; init; } = MetricsAccess.Local;

    /// <summary>
    /// The key with which the dashboard opens for whoever opens it on this machine, by this machine's name; for demonstrations. Set by
    /// programs, never by a variable.
    /// </summary>
    public Func<string?>? VisitorKey { get; init; }

    /// <summary>What concerns the mesh.</summary>
    public MeshSettings Mesh { get; init; } = new();

    /// <summary>What concerns remotes of bead histories.</summary>
    public RemoteSettings Remotes { get; init; } = RemoteSettings.None;

    /// <summary>Largest request body, in bytes. A full sync of 10 MiB of text is larger once it is a JSON string.</summary>
    public const long MaxBodyBytes = 32 * 1024 * 1024;
}
