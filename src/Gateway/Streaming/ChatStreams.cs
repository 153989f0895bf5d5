using System.Collections.Concurrent;
using Beadhub.Chat;
using Beadhub.Gateway.Http;

namespace Beadhub.Gateway.Streaming;

/// <summary>The chat streams that are open on this node: limits them for each agent, and tells everybody who waits as long as they last.</summary>
internal sealed partial class ChatStreams(IChatPresence presence, GatewaySettings settings, TimeProvider time, ILogger<ChatStreams> logger) : BackgroundService
{
    private const int RetryAfterSeconds = 10;

    private readonly ConcurrentDictionary<Guid, ChatSeat> _open = new();
    private readonly Dictionary<string, int> _perAgent = new(StringComparer.Ordinal);

    /// <summary>A stream begins; every call that returns is matched by one of <see cref="Leave"/>.</summary>
    /// <exception cref="ApiException">429 when the agent has too many open.</exception>
    public async ValueTask<ChatSeat> Enter(string session, string agentId)
    {
        lock (_perAgent)
        {
            var count = _perAgent.GetValueOrDefault(agentId);
            if (count >= settings.ChatStreamsPerAgent)
            {
                throw new ApiException(StatusCodes.Status429TooManyRequests, $"Too many open chat streams: at most {settings.ChatStreamsPerAgent} for one agent")
                {
                    RetryAfter = RetryAfterSeconds,
                };
            }

            _perAgent[agentId] = count + 1;
        }

        var seat = new ChatSeat(session, agentId, Guid.NewGuid());
        _open[seat.StreamId] = seat;
        try
        {
            await presence.Enter([seat]);
            return seat;
        }
        catch
        {
            await Leave(seat);
            throw;
        }
    }

    /// <summary>A stream has ended.</summary>
    public async ValueTask Leave(ChatSeat seat)
    {
        if (!_open.TryRemove(seat.StreamId, out _)) return;
        lock (_perAgent)
        {
            if (_perAgent[seat.AgentId] == 1) _perAgent.Remove(seat.AgentId);
            else _perAgent[seat.AgentId]--;
        }

        await presence.Leave(seat);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(IChatPresence.RenewEvery, time);
        while (await Next(timer, stoppingToken))
        {
            try
            {
                var seats = _open.Values.ToList();
                if (seats.Count == 0) continue;
                await presence.Enter(seats);
                // One that ended meanwhile may have been entered once more.
                foreach (var seat in seats)
                    if (!_open.ContainsKey(seat.StreamId)) await presence.Leave(seat);
            }
            catch (Exception e)
            {
                LogNotRenewed(logger, e);
            }
        }
    }

    private static async ValueTask<bool> Next(PeriodicTimer timer, CancellationToken stopping)
    {
        try
        {
            return await timer.WaitForNextTickAsync(stopping);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Who waits in chats could not be renewed")]
    private static partial void LogNotRenewed(ILogger logger, Exception error);
}
