using System.Collections.Immutable;
using System.Globalization;
using System.Net.Mail;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.Escalations;

namespace Beadhub.Hosting.Outreach;

/// <summary>How people are reached, from the file that <c>BEADHUB_NOTIFY_FILE</c> names.</summary>
/// <remarks>Its properties are not init-only: the generated reader would put null in the place of what the file leaves out.</remarks>
internal sealed record OutreachSettings
{
    /// <summary>Address under which people open this server, for links; null for none.</summary>
    public string? PublicUrl { get; set; }

    /// <summary>Time zone of the hours; UTC unless given.</summary>
    public string? TimeZone { get; set; }

    /// <summary>Ways to people, by name.</summary>
    public ImmutableDictionary<string, Channel> Channels { get; set; } = ImmutableDictionary<string, Channel>.Empty;

    /// <summary>Who is told what and when; all rules that fit count.</summary>
    public ImmutableArray<Rule> Rules { get; set; } = [];

    /// <summary>Who gets a summary each day.</summary>
    public ImmutableArray<Digest> Digests { get; set; } = [];

    /// <summary>A way to people.</summary>
    internal sealed record Channel
    {
        /// <summary><c>email</c>, <c>slack</c>, <c>ntfy</c> or <c>command</c>.</summary>
        public string Type { get; set; } = "";

        /// <summary>Where to: the webhook, or the topic of ntfy.</summary>
        public string? Url { get; set; }

        /// <summary>Of ntfy: the access token, if any.</summary>
        public string? Token { get; set; }

        /// <summary>The command and its arguments; it gets JSON on its standard input.</summary>
        public ImmutableArray<string> Command { get; set; } = [];

        /// <summary>Recipients of mail.</summary>
        public ImmutableArray<string> To { get; set; } = [];

        /// <summary>Sender of mail.</summary>
        public string? From { get; set; }

        /// <summary>Domains of which a person whom an agent names (<c>member_email</c>) is written to instead.</summary>
        public ImmutableArray<string> MemberDomains { get; set; } = [];

        /// <summary>Server of mail.</summary>
        public string? Host { get; set; }

        /// <summary>Its port.</summary>
        public int Port { get; set; } = 25;

        /// <summary>User there, if any.</summary>
        public string? User { get; set; }

        /// <summary>Password there, if any.</summary>
        public string? Password { get; set; }

        /// <summary>Whether the connection is encrypted (STARTTLS).</summary>
        public bool Tls { get; set; }
    }

    /// <summary>Who is told what and when. What is left out fits everything.</summary>
    internal sealed record Rule
    {
        /// <summary><c>escalation</c>, <c>mail</c>.</summary>
        public ImmutableArray<string> Kinds { get; set; } = [];

        /// <summary>Severities of escalations, priorities of mail (<c>urgent</c> counts as critical).</summary>
        public ImmutableArray<string> Severities { get; set; } = [];

        /// <summary>Slugs or ids of projects.</summary>
        public ImmutableArray<string> Projects { get; set; } = [];

        /// <summary>Hours of the day, from and before: <c>9-18</c>, or over midnight <c>22-7</c>.</summary>
        public string? Hours { get; set; }

        /// <summary>By which ways.</summary>
        public ImmutableArray<string> Channels { get; set; } = [];

        /// <summary>After how long it is sent again while nobody has answered or read: <c>30m</c>, <c>2h</c>; never unless given.</summary>
        public string? Repeat { get; set; }
    }

    /// <summary>A summary each day.</summary>
    internal sealed record Digest
    {
        /// <summary>From which hour on.</summary>
        public int Hour { get; set; } = 8;

        /// <summary>Slugs or ids of projects; all unless given.</summary>
        public ImmutableArray<string> Projects { get; set; } = [];

        /// <summary>By which ways.</summary>
        public ImmutableArray<string> Channels { get; set; } = [];
    }

    /// <summary>The zone of the hours.</summary>
    [JsonIgnore]
    public TimeZoneInfo Zone => TimeZone is null ? TimeZoneInfo.Utc : TimeZoneInfo.FindSystemTimeZoneById(TimeZone);

    /// <summary>Reads the file.</summary>
    /// <exception cref="SettingsException">It cannot be read, or holds what it may not.</exception>
    public static OutreachSettings Load(string file)
    {
        try
        {
            var settings = JsonSerializer.Deserialize(File.ReadAllText(file), OutreachSettingsJson.Default.OutreachSettings)
                ?? throw new JsonException("it is empty");
            return settings.Problem() is { } problem ? throw new SettingsException($"BEADHUB_NOTIFY_FILE {file}: {problem}") : settings;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new SettingsException($"BEADHUB_NOTIFY_FILE {file} cannot be read: {e.Message}");
        }
    }

    /// <summary>The hours of a rule; null when it is none.</summary>
    public static (int From, int Before)? HoursOf(string text) =>
        text.Split('-') is [var from, var before] && int.TryParse(from, NumberStyles.None, CultureInfo.InvariantCulture, out var first)
            && int.TryParse(before, NumberStyles.None, CultureInfo.InvariantCulture, out var end)
            && first < 24 && end <= 24 ? (first, end) : null;

    /// <summary>The time that a text such as <c>30m</c> says; null when it says none.</summary>
    public static TimeSpan? LengthOf(string text) =>
        text.Length > 1 && int.TryParse(text.AsSpan(..^1), NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0
            ? text[^1] switch
            {
                's' => TimeSpan.FromSeconds(count),
                'm' => TimeSpan.FromMinutes(count),
                'h' => TimeSpan.FromHours(count),
                'd' => TimeSpan.FromDays(count),
                _ => null,
            }
            : null;

    private string? Problem()
    {
        if (PublicUrl is not null && !IsUrl(PublicUrl)) return $"public_url is no address: '{PublicUrl}'";
        if (TimeZone is not null && !TimeZoneInfo.TryFindSystemTimeZoneById(TimeZone, out _)) return $"time_zone '{TimeZone}' is not known";
        foreach (var (name, channel) in Channels)
        {
            var problem = channel.Type switch
            {
                "email" => channel.Host is null ? "has no host" : channel.To.IsEmpty ? "has nobody in 'to'"
                    : channel.To.Append(channel.From ?? "").FirstOrDefault(
                        static address => !MailAddress.TryCreate(address, out _)) is { } wrong
                        ? $"has no mail address in '{wrong}'" : null,
                "slack" or "ntfy" => channel.Url is null || !IsUrl(channel.Url) ? "has no url" : null,
                "command" => channel.Command.IsEmpty ? "has no command" : null,
                _ => "has a type other than email, slack, ntfy and command",
            };
            if (problem is not null) return $"channel '{name}' {problem}";
        }

        foreach (var rule in Rules)
        {
            if (rule.Hours is not null && HoursOf(rule.Hours) is null) return $"hours are such as 9-18, not '{rule.Hours}'";
            if (rule.Repeat is not null && LengthOf(rule.Repeat) is null) return $"repeat is such as 30m or 2h, not '{rule.Repeat}'";
            if (rule.Kinds.FirstOrDefault(static kind => kind is not ("escalation" or "mail")) is { } kind)
                return $"there is no kind '{kind}'";
            if (rule.Severities.FirstOrDefault(static one => one is not (Severities.Low or Severities.Normal or Severities.High
                or Severities.Critical)) is { } severity) return $"there is no severity '{severity}'";
        }

        if (Digests.FirstOrDefault(static digest => digest.Hour is < 0 or > 23) is { } digest) return $"there is no hour {digest.Hour}";
        return Rules.SelectMany(static rule => rule.Channels).Concat(Digests.SelectMany(static digest => digest.Channels))
            .FirstOrDefault(channel => !Channels.ContainsKey(channel)) is { } unknown ? $"there is no channel '{unknown}'" : null;
    }

    private static bool IsUrl(string text) => Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https";
}

/// <summary>JSON of the file. A name that is not known is a mistake.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, AllowTrailingCommas = true,
    ReadCommentHandling = JsonCommentHandling.Skip, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(OutreachSettings))]
internal sealed partial class OutreachSettingsJson : JsonSerializerContext;
