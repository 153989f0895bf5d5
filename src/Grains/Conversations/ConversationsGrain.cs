using Beadhub.Chat;
using Beadhub.EventLog;
using Microsoft.Extensions.Logging;
using Orleans;
using Orleans.Placement;

namespace Beadhub.Conversations;

/// <summary>
/// Answers from a project's <see cref="ConversationIndex"/>. While this process is the only writer it hears of every event before its
/// writer is answered, and reads look nothing up; otherwise each read first looks where the feed ends.
/// </summary>
/// <remarks>Reads come on any thread.</remarks>
[PreferLocalPlacement]
public sealed class ConversationsGrain(IEventLog log, ICommittedFeed committed, IChatPresence presence, ILogger<ConversationsGrain> logger)
    : Grain, IConversationsGrain
{
    private string _project = "";
    private ConversationsProjection _conversations = null!;

    /// <inheritdoc/>
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _project = this.GetPrimaryKeyString();
        _conversations = new(log, _project, committed, logger);
        try
        {
            await _conversations.CatchUp(cancellationToken);
        }
        catch
        {
            await _conversations.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) =>
        await _conversations.DisposeAsync();

    /// <inheritdoc/>
    public async ValueTask<ChatSessionsView> Sessions(string agentId)
    {
        var lists = await _conversations.Find(index => index.ListsOf(agentId));
        var waits = await Waiting(agentId, lists.Sessions.Select(row => row.SessionId));
        return new([.. lists.Sessions.Select((row, i) => waits(i) ? row with { SenderWaiting = true } : row)]);
    }

    /// <inheritdoc/>
    public async ValueTask<PendingView> Pending(string agentId)
    {
        var lists = await _conversations.Find(index => index.ListsOf(agentId));
        var waits = lists.Pending.IsEmpty ? static _ =>
            false : await Waiting(agentId, lists.Pending.Select(session => session.Row.SessionId));
        return await lists.PendingWith(waits, TextOf);
    }

    /// <inheritdoc/>
    public async ValueTask<ConversationPage> List(ConversationQuery query)
    {
        var conversations = await _conversations.Find(index => index.ConversationsOf(query.AgentId));
        var from = conversations.Where(c => !(c.Position >= query.Before) && !(c.Row.LastMessageAt >= query.OlderThan))
            .Take(query.Limit + 1).ToList();
        var page = from.Take(query.Limit).ToList();
        return new([.. page.Select(c => c.Row)], from.Count > query.Limit ? page[^1].Position : null);
    }

    private ValueTask<string?> TextOf(PendingSession session) =>
        GrainFactory.GetGrain<IChatGrain>(IChatGrain.Key(_project, session.Row.SessionId)).TextOf(session.Newest);

    /// <summary>Whether somebody else waits in each of these sessions.</summary>
    private async ValueTask<Func<int, bool>> Waiting(string agentId, IEnumerable<string> sessions)
    {
        var waiting = await presence.Waiting([.. sessions.Select(id => IChatGrain.Key(_project, id))]);
        return i => waiting[i] is { IsEmpty: false } agents && !(agents.Count == 1 && agents.Contains(agentId));
    }
}
