using System.Collections.Immutable;
using Beadhub.Beads;
using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.Idempotency;
using Beadhub.Mail;
using Beadhub.Projects;
using Beadhub.Subscriptions;
using Microsoft.Extensions.Logging;
using Orleans;
using Orleans.Runtime;

namespace Beadhub.Notifications;

/// <inheritdoc cref="INotifierGrain"/>
/// <remarks>
/// The feed alone says who is told what: the subscriptions are folded from it as well, so that reading it again, after a crash or on
/// another node, comes to the same mails with the same ids, and the mailboxes take each once. One reads at a time; the others find what
/// they ask for done.
/// </remarks>
public sealed class NotifierGrain(IEventLog log, ILogger<NotifierGrain> logger) : EventSourcedGrain<Notifier>(log), INotifierGrain
{
    private const int PageSize = 500;
    private const int KeptOutcomes = 4096;

    // A position that was not kept costs reading and offering the mail again, so it need not be kept at once; without mail it may lag
    // further.
    private const int MaxLag = 5000;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly Dictionary<BeadNews, Notified> _outcomes = [];
    private readonly Queue<BeadNews> _kept = new();
    private SubscriptionBook _book = SubscriptionBook.Empty;
    private long _bookVersion;
    private long _position;
    private bool _hasDelivered;
    private IGrainTimer? _later;
    private bool _isDue;
    private string _project = "";

    private StreamKey Subscriptions => new(SubscriptionBook.Kind.Name, _project);

    /// <inheritdoc/>
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _project = this.GetPrimaryKeyString();
        await base.OnActivateAsync(cancellationToken);
        await Resume();
    }

    /// <inheritdoc/>
    public async Task Begin(long subscriptionsVersion)
    {
        var head = await Log.Head(_project);
        await Transact(notifier => notifier.Begin(head, subscriptionsVersion));
    }

    /// <inheritdoc/>
    public async Task<Notified> Notify(ImmutableArray<BeadNews> news)
    {
        await _turn.WaitAsync();
        try
        {
            await ReadOn();
            Later(Soon);
        }
        catch (Exception e)
        {
            // The changes are durable, and their mail will come; only not now.
            logger.LogWarning(e, "Changes of beads in project {Project} could not be turned into mail yet", _project);
            Later(RetryAfter);
            return Sum(news, new(0, 1));
        }
        finally
        {
            _turn.Release();
        }

        return Sum(news, Notified.Nothing);
    }

    /// <inheritdoc/>
    public Task Wake()
    {
        Later(Soon);
        return Task.CompletedTask;
    }

    private Notified Sum(ImmutableArray<BeadNews> news, Notified otherwise)
    {
        var (sent, failed) = (0, 0);
        foreach (var change in news)
        {
            var outcome = _outcomes.GetValueOrDefault(change, otherwise);
            (sent, failed) = (sent + outcome.Sent, failed + outcome.Failed);
        }

        return new(sent, failed);
    }

    /// <summary>Reads the feed to its end. The position moves on only over what is delivered.</summary>
    private async Task ReadOn()
    {
        // What is delivered from here is so once by the ids of the mails, whichever request has woken the notifier.
        KeyedRequest.Leave();
        await Read(static notifier => notifier);
        // Where another node is a little further, its mail is only offered again: who waits for the outcome here would not learn it
        // from a position.
        if (State.Position > _position + PageSize) await Resume();
        while (true)
        {
            var page = await Log.ReadFeed(_project, _position, PageSize);
            if (page.Count == 0) return;
            var (book, version) = (_book, _bookVersion);
            var mails = new List<(BeadNews News, Task<MailReceipt> Delivery)>();
            foreach (var e in page)
            {
                if (e.Kind == Subscriptions.Kind && e.Version > version)
                {
                    if (EventTypes.Parse(e.Type, e.Data) is { } change) book = book.Apply(change);
                    version = e.Version;
                }
                else if (e.Kind == Bead.Kind.Name && book.Watched.BeadIds.Contains(Bead.IdOf(e.Key))
                    && EventTypes.Parse(e.Type, e.Data) is IIssueStored stored)
                {
                    await Send(e, stored, book, mails);
                }
            }

            await Settle(mails);
            (_book, _bookVersion, _position) = (book, version, page[^1].Position);
            if (page.Count < PageSize) return;
        }
    }

    private async Task Send(FeedEvent e, IIssueStored stored, SubscriptionBook book,
        List<(BeadNews News, Task<MailReceipt> Delivery)> mails)
    {
        var news = new BeadNews(Bead.IdOf(e.Key), e.Version);
        foreach (var (workspaceId, heard) in book.Subscribers(news.BeadId, stored))
        {
            // A look at the roster never waits, so that it may look up from here.
            if (await GrainFactory.GetGrain<IProjectGrain>(_project).Agent(workspaceId) is not { HasWorkspace: true } agent) continue;
            var mail = BeadMail.Of(_project, e.Position, news.BeadId, stored, heard, agent.AgentId, agent.Alias);
            mails.Add((news, GrainFactory.GetGrain<IMailboxGrain>(IMailboxGrain.Key(_project, agent.AgentId)).Deliver(mail)));
        }
    }

    /// <summary>Waits for the deliveries, which were all begun before, so that they meet in one commit.</summary>
    /// <exception cref="Exception">Some could not be made, and have to be tried again.</exception>
    private async Task Settle(List<(BeadNews News, Task<MailReceipt> Delivery)> mails)
    {
        var outcomes = new Dictionary<BeadNews, Notified>();
        Exception? unmade = null;
        foreach (var (news, delivery) in mails)
        {
            var so = outcomes.GetValueOrDefault(news, Notified.Nothing);
            try
            {
                await delivery;
                outcomes[news] = so with { Sent = so.Sent + 1 };
            }
            catch (RefusedException refused) when (refused.Kind == RefusalKind.Conflict)
            {
                // Its id follows from the event: it was delivered before the position moved on.
                outcomes[news] = so with { Sent = so.Sent + 1 };
            }
            catch (RefusedException refused)
            {
                // It would be refused for ever; the others must not wait for it.
                logger.LogError(refused, "A mail about {Bead} in project {Project} was refused", news.BeadId, _project);
                outcomes[news] = so with { Failed = so.Failed + 1 };
            }
            catch (Exception e)
            {
                unmade = e;
                outcomes[news] = so with { Failed = so.Failed + 1 };
            }
        }

        _hasDelivered |= mails.Count > 0;
        foreach (var (news, outcome) in outcomes)
        {
            if (_outcomes.TryAdd(news, outcome)) _kept.Enqueue(news);
            else _outcomes[news] = outcome;
        }

        while (_kept.Count > KeptOutcomes) _outcomes.Remove(_kept.Dequeue());
        if (unmade is not null) throw unmade;
    }

    /// <summary>Goes on from the position that was kept: after a start, when a beginning was set, or when another node is
    /// further.</summary>
    private async Task Resume()
    {
        var (position, version) = (State.Position, State.SubscriptionsVersion);
        var stored = await Log.Load<SubscriptionBook>(Subscriptions.Key);
        var book = SubscriptionBook.Empty;
        if (stored.SnapshotVersion <= version)
        {
            book = (stored with { Tail = [.. stored.Tail.Where(e => e.Version <= version)] }).Fold<SubscriptionBook>();
        }
        else
        {
            for (long at = 0; at < version;)
            {
                var page = await Log.ReadStream(Subscriptions, at, (int)Math.Min(PageSize, version - at));
                if (page.Count == 0) throw new UnavailableException($"{Subscriptions} ends before version {version}.");
                foreach (var e in page)
                    if (EventTypes.Parse(e.Type, e.Data) is { } known) book = book.Apply(known);
                at = page[^1].Version;
            }
        }

        (_book, _bookVersion, _position) = (book, version, position);
    }

    private void Later(TimeSpan wait)
    {
        if (_isDue) return;
        _isDue = true;
        if (_later is null)
            _later = this.RegisterGrainTimer(CatchUp, new GrainTimerCreationOptions(wait, Timeout.InfiniteTimeSpan) { Interleave = true });
        else _later.Change(wait, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Reads on, and keeps the position when that is worth an event.</summary>
    private async Task CatchUp(CancellationToken cancellationToken)
    {
        _isDue = false;
        await _turn.WaitAsync(cancellationToken);
        try
        {
            await ReadOn();
            var (position, version) = (_position, _bookVersion);
            if (!_hasDelivered && position - State.Position < MaxLag) return;
            await Transact(notifier => notifier.Advance(position, version));
            _hasDelivered = false;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            logger.LogWarning(e, "Changes of beads in project {Project} could not be turned into mail yet", _project);
            Later(RetryAfter);
        }
        finally
        {
            _turn.Release();
        }
    }
}
