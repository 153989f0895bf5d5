using System.Net;
using System.Net.Sockets;
using Beadhub.ApiKeys;
using Beadhub.Audit;
using Orleans;

namespace Beadhub.Gateway.Identity;

/// <summary>
/// Counts credentials that were refused, and notes now and then how many came from where: in the project's trail those of keys that have
/// ended, all others in the instance's. However many a stranger sends, there are a few notes an hour, each of a bounded size.
/// </summary>
internal sealed class RefusedLogins(IGrainFactory grains, AuditTrails audit, TimeProvider time, ILogger<RefusedLogins> logger)
    : BackgroundService
{
    private const string Action = "login.refused";
    private const int MostAddresses = 16;
    private const int MostKeys = 16;

    private static readonly TimeSpan First = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Shortest = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);
    private static readonly TimeSpan PatienceAtEnd = TimeSpan.FromSeconds(3);

    private readonly Lock _gate = new();
    private Dictionary<string, long> _addresses = [];
    private Dictionary<string, long> _keys = [];
    private long _others;
    private TaskCompletionSource _some = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Notes that a request's credentials were refused.</summary>
    public void Note(HttpContext http)
    {
        var header = http.Request.Headers.Authorization.ToString();
        var token = header.StartsWith(BearerKeys.Scheme, StringComparison.Ordinal) ? header.AsSpan(BearerKeys.Scheme.Length) : default;
        var key = token.StartsWith(Tokens.ApiKeyPrefix, StringComparison.Ordinal) && token.Length <= 1024 ? IApiKeyGrain.Key(token) : null;
        var address = AddressOf(http);
        lock (_gate)
        {
            if (_addresses.ContainsKey(address) || _addresses.Count < MostAddresses)
                _addresses[address] = _addresses.GetValueOrDefault(address) + 1;
            else _others++;
            if (key is not null && (_keys.ContainsKey(key) || _keys.Count < MostKeys)) _keys[key] = _keys.GetValueOrDefault(key) + 1;
            _some.TrySetResult();
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        var pause = Shortest;
        while (!stoppingToken.IsCancellationRequested)
        {
            Task some;
            lock (_gate) some = _some.Task;
            var wasQuiet = !some.IsCompleted;
            await some.WaitAsync(stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            // What comes together is noted together.
            await Task.Delay(First, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await HandOn();
            // While it goes on, ever less is written about it.
            pause = wasQuiet ? Shortest : pause * 2 < Longest ? pause * 2 : Longest;
            await Task.Delay(pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await HandOn().WaitAsync(PatienceAtEnd, time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task HandOn()
    {
        Dictionary<string, long> addresses, keys;
        long others;
        lock (_gate)
        {
            (addresses, keys, others) = (_addresses, _keys, _others);
            (_addresses, _keys, _others) = ([], [], 0);
            if (_some.Task.IsCompleted) _some = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        var all = addresses.Values.Sum() + others;
        if (all == 0) return;
        try
        {
            var now = time.GetUtcNow();
            foreach (var (hash, count) in keys)
            {
                if (await grains.GetGrain<IApiKeyGrain>(hash).Whose() is { } ended)
                    await audit.Note(ended.ProjectId,
                        new(Action, AuditCallers.Stranger, null, null, ended.ApiKeyId, "an API key that has ended", count, now));
            }

            var from = "from " + string.Join(", ",
                addresses.OrderByDescending(static one => one.Value).Select(static one => $"{one.Key} ({one.Value})"));
            await audit.Note(IAuditGrain.Instance, new(
                Action, AuditCallers.Stranger, null, null, null, others == 0 ? from : $"{from}, others ({others})", all, now));
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            logger.LogWarning("{Count} refused logins were not noted: {Reason}", all, e.Message);
        }
    }

    // Of IPv6 the network: one customer has as many addresses as it likes.
    private static string AddressOf(HttpContext http)
    {
        var address = http.Connection.RemoteIpAddress;
        if (address is null) return "unknown";
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4().ToString();
        if (address.AddressFamily != AddressFamily.InterNetworkV6 || IPAddress.IsLoopback(address)) return address.ToString();
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes) + "/64";
    }
}
