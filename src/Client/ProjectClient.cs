using System.Runtime.CompilerServices;
using Beadhub.Audit;
using Beadhub.Beads;
using Beadhub.Boards;
using Beadhub.Chat;
using Beadhub.Contacts;
using Beadhub.Controls;
using Beadhub.Conversations;
using Beadhub.Escalations;
using Beadhub.Feed;
using Beadhub.History;
using Beadhub.Invites;
using Beadhub.Locks;
using Beadhub.Mail;
using Beadhub.Policies;
using Beadhub.Projects;
using Beadhub.Publications;
using Beadhub.Search;
using Beadhub.Subscriptions;
using Beadhub.Tasks;
using Beadhub.Remotes;
using Beadhub.Webhooks;
using Beadhub.Workspaces;
using Orleans;
using Orleans.Runtime;
using Orleans.Streams;

namespace Beadhub;

/// <summary>One project: its grains, and what happens in it.</summary>
public sealed class ProjectClient
{
    private const int PageSize = 256;

    private readonly IClusterClient _cluster;

    internal ProjectClient(IClusterClient cluster, string id)
    {
        _cluster = cluster;
        Id = id;
    }

    /// <summary>Project id.</summary>
    public string Id { get; }

    /// <summary>Roster, repositories, workspaces, status.</summary>
    public IProjectGrain Project => _cluster.GetGrain<IProjectGrain>(Id);

    /// <summary>The project's beads: sync, list, search, ready, claims.</summary>
    public IBoardGrain Board => _cluster.GetGrain<IBoardGrain>(Id);

    /// <summary>Commits of the project's beads.</summary>
    public IHistoryGrain History => _cluster.GetGrain<IHistoryGrain>(Id);

    /// <summary>Full-text search in beads and mail.</summary>
    public ISearchGrain Search => _cluster.GetGrain<ISearchGrain>(Id);

    /// <summary>One bead. Change beads through the <see cref="Board"/>, which is their only writer.</summary>
    public IBeadGrain Bead(string beadId) => _cluster.GetGrain<IBeadGrain>(IBeadGrain.Key(Id, beadId));

    /// <summary>One workspace; its id is its agent's.</summary>
    public IWorkspaceGrain Workspace(string workspaceId) => _cluster.GetGrain<IWorkspaceGrain>(IWorkspaceGrain.Key(Id, workspaceId));

    /// <summary>The mail that an agent has received.</summary>
    public IMailboxGrain Mailbox(string agentId) => _cluster.GetGrain<IMailboxGrain>(IMailboxGrain.Key(Id, agentId));

    /// <summary>One chat session.</summary>
    public IChatGrain Chat(string sessionId) => _cluster.GetGrain<IChatGrain>(IChatGrain.Key(Id, sessionId));

    /// <summary>Lists of chats and mail threads, by agent.</summary>
    public IConversationsGrain Conversations => _cluster.GetGrain<IConversationsGrain>(Id);

    /// <summary>Reservations.</summary>
    public ILocksGrain Locks => _cluster.GetGrain<ILocksGrain>(Id);

    /// <summary>Single-use invites into the project.</summary>
    public IInvitesGrain Invites => _cluster.GetGrain<IInvitesGrain>(Id);

    /// <summary>Policies, and which is active.</summary>
    public IPoliciesGrain Policies => _cluster.GetGrain<IPoliciesGrain>(Id);

    /// <summary>Who has changed what others may do, and what was deleted.</summary>
    public IAuditGrain Audit => _cluster.GetGrain<IAuditGrain>(Id);

    /// <summary>Questions to humans.</summary>
    public IEscalationsGrain Escalations => _cluster.GetGrain<IEscalationsGrain>(Id);

    /// <summary>Who wants to hear of which bead.</summary>
    public ISubscriptionsGrain Subscriptions => _cluster.GetGrain<ISubscriptionsGrain>(Id);

    /// <summary>Native tasks.</summary>
    public ITasksGrain Tasks => _cluster.GetGrain<ITasksGrain>(Id);

    /// <summary>Addresses that the project knows.</summary>
    public IContactsGrain Contacts => _cluster.GetGrain<IContactsGrain>(Id);

    /// <summary>Comments on one native task.</summary>
    public ITaskCommentsGrain TaskComments(string taskId) => _cluster.GetGrain<ITaskCommentsGrain>(ITaskCommentsGrain.Key(Id, taskId));

    /// <summary>Signals to one agent: to pause, to resume, to interrupt.</summary>
    public IControlGrain Control(string agentId) => _cluster.GetGrain<IControlGrain>(IControlGrain.Key(Id, agentId));

    /// <summary>What happened to the identities of its agents.</summary>
    public IAgentLogGrain AgentLog => _cluster.GetGrain<IAgentLogGrain>(Id);

    /// <summary>Agents that have published themselves.</summary>
    public IPublicationsGrain Publications => _cluster.GetGrain<IPublicationsGrain>(Id);

    /// <summary>Remotes of its beads' history.</summary>
    public IRemotesGrain Remotes => _cluster.GetGrain<IRemotesGrain>(Id);

    /// <summary>Endpoints that are told what happens.</summary>
    public IWebhooksGrain Webhooks => _cluster.GetGrain<IWebhooksGrain>(Id);

    /// <summary>What happens from now on, or after a feed position, in order and without gaps, until the caller stops.</summary>
    /// <param name="after">Position of the last event handled; null for the newest.</param>
    /// <param name="cancellation">Ends it.</param>
    public async IAsyncEnumerable<FeedEvent> Follow(long? after = null, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var feed = _cluster.GetGrain<IFeedGrain>(Id);
        using var news = new SemaphoreSlim(0, 1);
        // Subscribed before the position is read: what comes in between wakes the reader. The log is the truth, a batch is only a wake-up
        // call.
        var subscription = await _cluster.GetStreamProvider(IFeedGrain.Stream)
            .GetStream<FeedBatch>(StreamId.Create(IFeedGrain.Stream, Id))
            .SubscribeAsync((_, _) =>
            {
                Wake(news);
                return Task.CompletedTask;
            });
        try
        {
            var position = after ?? await feed.Head();
            while (true)
            {
                var batch = await feed.Read(position, PageSize);
                foreach (var e in batch.Events)
                {
                    cancellation.ThrowIfCancellationRequested();
                    position = e.Position;
                    yield return e;
                }

                // Should a wake-up ever be lost, a quiet follower still looks.
                if (batch.Events.IsDefaultOrEmpty) await news.WaitAsync(TimeSpan.FromSeconds(30), cancellation);
            }
        }
        finally
        {
            await subscription.UnsubscribeAsync();
        }
    }

    private static void Wake(SemaphoreSlim news)
    {
        lock (news)
            if (news.CurrentCount == 0) news.Release();
    }
}
