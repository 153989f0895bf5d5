using System.Globalization;
using Beadhub.Chat;
using Beadhub.Gateway;

namespace Beadhub.Silo;

/// <summary>What an operator may set, by environment variables (contract 21).</summary>
internal sealed record Settings
{
    public string DatabaseUrl { get; init; } = "sqlite:./.beadhub/beadhub.db";

    public string Host { get; init; } = "0.0.0.0";

    public int Port { get; init; } = 8000;

    /// <summary>Whether other nodes share the database.</summary>
    public bool Cluster { get; init; }

    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>One JSON object a line; null means unless standard error is a terminal.</summary>
    public bool? LogJson { get; init; }

    public TimeSpan PresenceTtl { get; init; } = TimeSpan.FromSeconds(1800);

    public GatewaySettings Gateway { get; init; } = new();

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
            LogLevel = Level(Text("BEADHUB_LOG_LEVEL")),
            LogJson = Flag("BEADHUB_LOG_JSON"),
            PresenceTtl = TimeSpan.FromSeconds(Integer("BEADHUB_PRESENCE_TTL_SECONDS", 1800, 10, int.MaxValue)),
            Gateway = new()
            {
                InternalAuthSecret = Text("BEADHUB_INTERNAL_AUTH_SECRET") ?? Text("SESSION_SECRET_KEY"),
                InitRateLimit = Integer("BEADHUB_INIT_RATE_LIMIT", 10, 1, int.MaxValue),
                InitRateWindow = TimeSpan.FromSeconds(Integer("BEADHUB_INIT_RATE_WINDOW", 60, 1, 86_400)),
                ReposOpen = Flag("BEADHUB_REPOS_OPEN") ?? false,
                KeepAlive = TimeSpan.FromSeconds(Integer("BEADHUB_SSE_KEEPALIVE_SECONDS", 30, 1, 3_600)),
                ChatReplay = Replay(Text("BEADHUB_CHAT_REPLAY")),
                ChatStreamsPerAgent = Integer("BEADHUB_CHAT_STREAMS_PER_AGENT", 1000, 1, int.MaxValue),
            },
        };

        string? Text(string name) => variable(name) is { Length: > 0 } text ? text : null;

        int Integer(string name, int otherwise, int min, int max)
        {
            if (Text(name) is not { } text) return otherwise;
            return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max
                ? number
                : throw new SettingsException($"{name} must be a whole number from {min} to {max}, not '{text}'");
        }

        bool? Flag(string name) => Text(name)?.ToLowerInvariant() switch
        {
            null => null,
            "1" or "true" or "yes" or "on" => true,
            "0" or "false" or "no" or "off" => false,
            var other => throw new SettingsException($"{name} must be true or false, not '{other}'"),
        };

        static ChatReplay Replay(string? text) => text?.ToLowerInvariant() switch
        {
            null or "unread+own-recent" => ChatReplay.UnreadAndOwnRecent,
            "own-recent" => ChatReplay.OwnRecent,
            "last50" => ChatReplay.Last50,
            "none" => ChatReplay.None,
            _ => throw new SettingsException($"BEADHUB_CHAT_REPLAY must be none, own-recent, unread+own-recent or last50, not '{text}'"),
        };

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
internal sealed class SettingsException(string message) : Exception(message);
