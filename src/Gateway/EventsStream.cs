using System.Text.RegularExpressions;
using Beadhub.Chat;
using Beadhub.Controls;
using Beadhub.Conversations;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Gateway.Streaming;
using Beadhub.Mail;
using Beadhub.Tasks;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// <c>GET /v1/events/stream</c>: what an agent is woken for, as server-sent events (protocol 11): first what waits for it, then what is
/// new. Clients read
/// the real state afterwards, so nothing here is resumed: a new stream begins with what waits.
/// </summary>
internal sealed partial class EventsStream(IGrainFactory grains, FeedHub hub, EventStreams streams, TimeProvider time)
{
    private const int ShownMails = 50;
    private const int ReadMails = 500;
    private const int ShownWork = 10;
    private const int ShownChats = 50;

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(300);

    private static readonly Field<DateTimeOffset> Deadline =
        InQuery.Required("deadline", "When the stream ends, ISO 8601; after five minutes at the latest")
        .Example("2026-01-01T00:00:00Z").BeforeCaller(static text =>
            Iso().IsMatch(text) && IsoTime.TryParse(text, out var deadline)
                ? deadline : throw ApiException.Unprocessable("Invalid deadline format"));

    public static void Map(IEndpointRouteBuilder routes) => routes.Map(
        new RequestGroup("/v1/events/stream", "events", "What an agent is to be woken for")
            .Get("", "streamEvents", "What the caller is to be woken for, as server-sent events, until the deadline").Needs(Caller.Actor)
            .Takes(Deadline)
            .Bind(static fields => fields.Get(Deadline))
            .Streams(),
        routes.Make<EventsStream>().Get);

    private Task<EventStream> Get(DateTimeOffset deadline, Actor actor)
    {
        var longest = time.GetUtcNow() + Longest;
        return Task.FromResult(new EventStream(http => streams.Serve(http, actor.Who, "events", async () =>
        {
            // Watched before what waits is read: what comes in between is seen by one or the other.
            var feed = await hub.Watch(actor.ProjectId);
            return new Events(grains, hub, actor, feed, feed.Last);
        }, deadline < longest ? deadline : longest)));
    }

    /// <summary>What an agent is woken for: what waits for it, and then what is new.</summary>
    private sealed class Events(IGrainFactory grains, FeedHub hub, Actor actor, ProjectFeed feed, long position) : IStreamedEvents
    {
        // What was shown of what waited: what comes between that look and the first news is not shown twice, and of the tasks only what
        // is new.
        private readonly HashSet<string> _messages = [];
        private HashSet<string> _work = [];
        private HashSet<string> _claims = [];

        public long Newest => feed.Last;

        public long Position { get; private set; } = position;

        public Task News => feed.News;

        public async Task Begin(Stream to, CancellationToken ended)
        {
            await to.WriteAsync(EventStreams.KeepAlive, ended);
            await to.WriteAsync(AgentFrames.Connected(actor.Id, actor.ProjectId), ended);
            await ShowWaiting(to, ended);
        }

        /// <summary>Shows what waits, in the protocol's order.</summary>
        private async Task ShowWaiting(Stream to, CancellationToken ended)
        {
            var mailbox = grains.GetGrain<IMailboxGrain>(IMailboxGrain.Key(actor.ProjectId, actor.Id));
            await mailbox.Settle();
            var unread = await mailbox.Inbox(new(UnreadOnly: true, ReadMails));
            foreach (var mail in unread.Mails.Reverse().Take(ShownMails))
                await to.WriteAsync(AgentFrames.Mail(mail.MessageId, mail.FromAlias, mail.Subject), ended);
            _messages.UnionWith(unread.Mails.Select(mail => mail.MessageId));
            await ShowChats(to, ended);
            await TakeControls(to, ended);
            await ShowTasks(to, ended);
        }

        private async Task ShowChats(Stream to, CancellationToken ended)
        {
            var left = ShownChats;
            var pending = await grains.GetGrain<IConversationsGrain>(actor.ProjectId).Pending(actor.Id);
            foreach (var session in pending.Pending.Reverse())
            {
                var chat = grains.GetGrain<IChatGrain>(IChatGrain.Key(actor.ProjectId, session.SessionId));
                await chat.Settle();
                var unread = await chat.History(new(actor.Id, UnreadOnly: true, ShownChats));
                foreach (var message in unread.Messages.Take(left))
                    await to.WriteAsync(AgentFrames.Chat(message.MessageId, message.FromAlias, session.SessionId), ended);
                _messages.UnionWith(unread.Messages.Select(message => message.MessageId));
                if ((left -= unread.Messages.Length) <= 0) return;
            }
        }

        public async Task<bool> Write(Stream to, CancellationToken ended)
        {
            (var signals, Position) = await feed.Signals(Position);
            var (wrote, tasksVersion) = (false, 0L);
            foreach (var signal in signals)
            {
                if (!signal.Concerns(actor.Id)) continue;
                wrote = true;
                switch (signal)
                {
                    case MailSignal mail when !_messages.Remove(mail.MessageId):
                        await to.WriteAsync(mail.Frame, ended);
                        break;
                    case ChatSignal chat when !_messages.Remove(chat.MessageId):
                        await to.WriteAsync(chat.Frame, ended);
                        break;
                    case ControlWaits:
                        await TakeControls(to, ended);
                        break;
                    case TasksMoved moved:
                        tasksVersion = moved.Version;
                        break;
                }
            }

            if (tasksVersion > 0) await ShowTasks(to, ended, tasksVersion);
            return wrote;
        }

        public async ValueTask Look() => await feed.CatchUp();

        public async ValueTask DisposeAsync() => await hub.Leave(actor.ProjectId);

        /// <summary>
        /// Shows what has come among the tasks that the agent could take and has taken, and what has gone from the latter.
        /// </summary>
        private async Task ShowTasks(Stream to, CancellationToken ended, long version = 0)
        {
            var tasks = grains.GetGrain<ITasksGrain>(actor.ProjectId);
            await tasks.Reach(version);
            var work = (await tasks.Ready(TaskPage.First)).Tasks.Take(ShownWork).ToArray();
            foreach (var task in work)
                if (!_work.Contains(task.TaskId)) await to.WriteAsync(AgentFrames.Work(task), ended);
            _work = [.. work.Select(task => task.TaskId)];

            var claims = (await tasks.AssignedTo(actor.Id)).Tasks;
            var ids = claims.Select(task => task.TaskId).ToHashSet();
            foreach (var id in _claims)
                if (!ids.Contains(id)) await to.WriteAsync(AgentFrames.Unclaimed(id), ended);
            foreach (var task in claims)
                if (!_claims.Contains(task.TaskId)) await to.WriteAsync(AgentFrames.Claimed(task), ended);
            _claims = ids;
        }

        // Taken first and shown then: a signal is shown once at most, whichever of the agent's streams is the first to ask.
        private async Task TakeControls(Stream to, CancellationToken ended)
        {
            var queue = grains.GetGrain<IControlGrain>(IControlGrain.Key(actor.ProjectId, actor.Id));
            for (var taken = await queue.Take(); !taken.IsEmpty; taken = await queue.Take())
                foreach (var signal in taken)
                    await to.WriteAsync(AgentFrames.Control(signal), ended);
        }
    }

    [GeneratedRegex(
        @"\A[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,30})?)?([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)?)?\z",
        RegexOptions.CultureInvariant)]
    private static partial Regex Iso();
}
