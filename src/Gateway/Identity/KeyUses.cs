using System.Collections.Concurrent;
using Beadhub.ApiKeys;
using Orleans;

namespace Beadhub.Gateway.Identity;

/// <summary>
/// Remembers when each API key was used last, in memory, and hands on now and then what is news by an hour: a request costs no event. What
/// was not handed on when a node is killed is lost.
/// </summary>
internal sealed class KeyUses(IGrainFactory grains, TimeProvider time, ILogger<KeyUses> logger) : BackgroundService
{
    private const int Most = 100_000;
    private const int AtOnce = 500;

    private static readonly TimeSpan HandOnEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan PatienceAtEnd = TimeSpan.FromSeconds(3);

    // By key; only those that were used since they were handed on.
    private readonly ConcurrentDictionary<string, KeyUse> _uses = new(StringComparer.Ordinal);

    /// <summary>Notes that a key was used just now.</summary>
    public void Note(KeyUse use)
    {
        use.At = time.GetUtcNow().ToUnixTimeSeconds();
        if (!use.IsNoted) Wait(use);
    }

    private void Wait(KeyUse use)
    {
        if (_uses.Count >= Most) return;
        use.IsNoted = true;
        _uses[use.ApiKeyId] = use;
    }

    /// <summary>When a key was used last on this node, as far as that was not handed on.</summary>
    public DateTimeOffset? Of(string apiKeyId) =>
        _uses.TryGetValue(apiKeyId, out var use) ? DateTimeOffset.FromUnixTimeSeconds(use.At) : null;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(HandOnEvery, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            var handedOn = HandOn();
            await (stoppingToken.IsCancellationRequested ? handedOn.WaitAsync(PatienceAtEnd, time, CancellationToken.None) : handedOn)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task HandOn()
    {
        foreach (var project in _uses.Values.GroupBy(use => use.ProjectId))
        {
            foreach (var some in project.Chunk(AtOnce))
            {
                // Taken out before it is read: what is used meanwhile comes in again.
                foreach (var use in some)
                {
                    _uses.TryRemove(use.ApiKeyId, out _);
                    use.IsNoted = false;
                }

                try
                {
                    await grains.GetGrain<IApiKeysGrain>(project.Key).Used([.. some.Select(static use =>
                        new ApiKeyUse(use.ApiKeyId, use.Hash, DateTimeOffset.FromUnixTimeSeconds(use.At)))]);
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    logger.LogDebug(e, "When keys of project {Project} were used was not noted; it is tried again", project.Key);
                    foreach (var use in some) Wait(use);
                }
            }
        }
    }
}

/// <summary>The last use of a key.</summary>
/// <param name="projectId">Project.</param>
/// <param name="apiKeyId">Key.</param>
/// <param name="hash">Key of its record's grain.</param>
internal sealed class KeyUse(string projectId, string apiKeyId, string hash)
{
    private long _at;

    public string ProjectId => projectId;

    public string ApiKeyId => apiKeyId;

    public string Hash => hash;

    /// <summary>When, in seconds of Unix time.</summary>
    public long At
    {
        get => Volatile.Read(ref _at);
        set => Volatile.Write(ref _at, value);
    }

    /// <summary>Whether it waits to be handed on.</summary>
    public bool IsNoted { get; set; }
}
