using System.Collections.Concurrent;
using Beadhub.Chat;

namespace Beadhub.Gateway.Streaming;

/// <summary>The chat streams that are open on this node: tells everybody who waits as long as they last.</summary>
internal sealed partial class ChatStreams(IChatPresence presence, TimeProvider time, ILogger<ChatStreams> logger) : BackgroundService
{
    private readonly ConcurrentDictionary<Guid, ChatSeat> _open = new();

    /// <summary>A stream begins; every call that returns is matched by one of <see cref="Leave"/>.</summary>
    public async ValueTask<ChatSeat> Enter(string session, string agentId)
    {
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
