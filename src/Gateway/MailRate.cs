using System.Collections.Concurrent;
using Beadhub.Gateway.Http;

namespace Beadhub.Gateway;

/// <summary>Counts that all nodes of a cluster share.</summary>
public interface ISharedCounts
{
    /// <summary>Adds to a count, which begins at zero in each window.</summary>
    /// <param name="name">What is counted.</param>
    /// <param name="by">How much is added.</param>
    /// <param name="window">Length of the window that this begins, when none is under way.</param>
    /// <returns>The count so far and when its window ends; null where that cannot be known now.</returns>
    ValueTask<SharedCount?> Add(string name, long by, TimeSpan window);
}

/// <summary>A count of a window.</summary>
public sealed record SharedCount(long Count, DateTimeOffset Ends);

/// <summary>The rate limit of mail: so many a minute for each sender, in a cluster on all nodes together. It stops agents that run wild,
/// nobody else.</summary>
/// <remarks>A node tells the others of small limits at each mail, of large ones once a second.</remarks>
internal sealed class MailRate(GatewaySettings settings, TimeProvider time, ISharedCounts? shared = null)
{
    private const int SmallLimit = 1000;
    private const int PruneAbove = 10_000;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(1);

    private readonly RateWindows<string>? _windows =
        settings.MailRateLimit == 0 ? null : new(settings.MailRateLimit, Window, time);

    private readonly ConcurrentDictionary<string, Sender> _senders = new(StringComparer.Ordinal);

    private sealed class Sender
    {
        public long Untold;
        public long Total;
        public DateTimeOffset Ends;
        public DateTimeOffset ToldAt;
    }

    /// <summary>Takes one.</summary>
    /// <exception cref="ApiException">429 when the minute is used up.</exception>
    public async ValueTask Take(string agentId)
    {
        if (_windows is null) return;
        if ((_windows.Take(agentId) ?? (shared is null ? null : await TakeOfAll(shared, agentId))) is { } wait)
            throw ApiException.TooMany("Rate limit exceeded. Too many messages.", wait);
    }

    private async ValueTask<TimeSpan?> TakeOfAll(ISharedCounts counts, string agentId)
    {
        var now = time.GetUtcNow();
        if (_senders.Count > PruneAbove)
            foreach (var (id, old) in _senders)
                if (old.Ends <= now && now - old.ToldAt > Window) _senders.TryRemove(new(id, old));
        var sender = _senders.GetOrAdd(agentId, static _ => new());
        long untold;
        lock (sender)
        {
            if (sender.Ends <= now) sender.Total = 0;
            if (sender.Ends > now && sender.Total + sender.Untold >= settings.MailRateLimit) return sender.Ends - now;
            sender.Untold++;
            if (settings.MailRateLimit > SmallLimit && now - sender.ToldAt < TellEvery) return null;
            (untold, sender.Untold, sender.ToldAt) = (sender.Untold, 0, now);
        }

        if (await counts.Add($"mail:{agentId}", untold, Window) is not { } counted) return null;
        lock (sender) (sender.Total, sender.Ends) = (Math.Max(sender.Ends == counted.Ends ? sender.Total : 0, counted.Count), counted.Ends);
        return counted.Count > settings.MailRateLimit ? counted.Ends - now : null;
    }
}
