using System.Collections.Immutable;
using Beadhub.Chat;
using Beadhub.EventLog;
using Beadhub.Mail;
using Microsoft.Extensions.Logging;
using Orleans;

namespace Beadhub.Conversations;

/// <summary>
/// Answers from a project's <see cref="ConversationIndex"/>. While this process is the only writer it hears of every event before its
/// writer is answered, and reads look nothing up; otherwise each read first looks where the feed ends.
/// </summary>
/// <remarks>Reads come on any thread.</remarks>
[ProjectPlacement]
public sealed class ConversationsGrain(IEventLog log, ICommittedFeed committed, IChatPresence presence, ILogger<ConversationsGrain> logger)
    : Grain, IConversationsGrain
{
    private const int ReadAtOnce = 8;

    private string _project = "";
    private ConversationsProjection _conversations = null!;

    /// <inheritdoc/>
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _project = this.GetPrimaryKeyString();
        _conversations = new(log, _project, committed, logger) { Elsewhere = DeactivateOnIdle };
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

    /// <inheritdoc/>
    public async ValueTask<SentPage> Sent(SentQuery query)
    {
        var sent = await _conversations.Find(index => index.SentBy(query.AgentId, query.Before, query.Limit + 1));
        var mails = ImmutableArray.CreateBuilder<MailDelivered>();
        var (shown, weight) = (0, 0L);
        while (shown < Math.Min(sent.Length, query.Limit) && weight < JsonSize.MaxPage)
        {
            // Each may be a mail of a mebibyte, and all that are read at once are in memory.
            var some = sent.Skip(shown).Take(Math.Min(ReadAtOnce, query.Limit - shown)).ToArray();
            foreach (var stored in await log.ReadEvents([.. some.Select(Place)]))
            {
                // Where there is none it was taken into an archive.
                if (stored is { } found && EventTypes.Parse(found.Type, found.Data) is MailDelivered mail)
                {
                    mails.Add(mail);
                    weight += JsonSize.Of(mail.Subject) + JsonSize.Of(mail.Body);
                }
            }

            shown += some.Length;
        }

        return new(mails.DrainToImmutable(), shown < sent.Length ? sent[shown - 1].Position : null);

        EventPlace Place(SentMail mail) => new(new(Mailbox.Kind.Name, IMailboxGrain.Key(_project, mail.To)), mail.Version);
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
