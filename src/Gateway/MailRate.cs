using Beadhub.Gateway.Http;

namespace Beadhub.Gateway;

/// <summary>The rate limit of mail: so many a minute for each sender. It stops agents that run wild, nobody else.</summary>
internal sealed class MailRate(GatewaySettings settings, TimeProvider time)
{
    private readonly RateWindows<string>? _windows =
        settings.MailRateLimit == 0 ? null : new(settings.MailRateLimit, TimeSpan.FromMinutes(1), time);

    /// <summary>Takes one.</summary>
    /// <exception cref="ApiException">429 when the minute is used up.</exception>
    public void Take(string agentId)
    {
        if (_windows?.Take(agentId) is { } wait) throw ApiException.TooMany("Rate limit exceeded. Too many messages.", wait);
    }
}
