using System.Text.RegularExpressions;
using Beadhub.Chat;
using Beadhub.Controls;
using Beadhub.Conversations;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Streaming;
using Beadhub.Mail;
using Beadhub.Tasks;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// <c>GET /v1/events/stream</c>: what an agent is woken for, as server-sent events (protocol 11): first what waits for it, then what is new. Clients read
/// the real state afterwards, so nothing here is resumed: a new stream begins with what waits.
/// </summary>
internal sealed partial class EventsStream(
    IGrainFactory grains, Identification identification, FeedHub hub, StreamMetrics metrics, GatewaySettings settings, TimeProvider time, IHostApplicationLifetime lifetime)
{
    private const int ShownMails = 50;
    private const int ReadMails = 500;
    private const int ShownWork = 10;
    private const int ShownChats = 50;

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(300);
    private static readonly ReadOnlyMemory<byte> KeepAlive = ": keepalive\n\n"u8.ToArray();

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.Stream("/v1/events/stream", routes.Make<EventsStream>().Get).WithTags("events")
            .Says("What the caller is to be woken for, as server-sent events, until the deadline", 401, 403, 404, 422);

    private async Task Get(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var text = query.Required("deadline");
        query.Done();
        if (!Iso().IsMatch(text) || !IsoTime.TryParse(text, out var deadline)) throw ApiException.Unprocessable("Invalid deadline format");

        var actor = await identification.ActorOf(http);
        var left = deadline - time.GetUtcNow();
        left = left > Longest ? Longest : left < TimeSpan.Zero ? TimeSpan.Zero : left;
        using var due = new CancellationTokenSource(left, time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, lifetime.ApplicationStopping);
        // Watched before what waits is read: what comes in between is seen by one or the other.
        var feed = await hub.Watch(actor.ProjectId);
        using var open = metrics.Open("events", () => feed.Last);
        try
        {
            var position = feed.Last;
            http.Response.ContentType = "text/event-stream; charset=utf-8";
            http.Response.Headers.CacheControl = "no-cache";
            http.Response.Headers["X-Accel-Buffering"] = "no";
            await http.Response.Body.WriteAsync(KeepAlive, ended.Token);
            await http.Response.Body.WriteAsync(AgentFrames.Connected(actor.Id, actor.ProjectId), ended.Token);
            var shown = await ShowWaiting(http, actor, ended.Token);
            await http.Response.Body.FlushAsync(ended.Token);
            await Follow(http, actor, feed, open, position, shown, due.Token, ended.Token);
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // The client left or the server stops.
        }
        finally
        {
            await hub.Leave(actor.ProjectId);
        }
    }

    /// <summary>What a stream has shown: so that what comes between the look at what waits and the first news is not shown twice, and only what is new of the tasks.</summary>
    private sealed class Shown
    {
        public readonly HashSet<string> Messages = [];
        public HashSet<string> Work = [];
        public HashSet<string> Claims = [];
    }

    /// <summary>Shows what waits, in the protocol's order.</summary>
    private async Task<Shown> ShowWaiting(HttpContext http, Actor actor, CancellationToken ended)
    {
        var shown = new Shown();
        var mailbox = grains.GetGrain<IMailboxGrain>(IMailboxGrain.Key(actor.ProjectId, actor.Id));
        await mailbox.Settle();
        var unread = await mailbox.Inbox(new(UnreadOnly: true, ReadMails));
        foreach (var mail in unread.Mails.Reverse().Take(ShownMails))
            await http.Response.Body.WriteAsync(AgentFrames.Mail(mail.MessageId, mail.FromAlias, mail.Subject), ended);
        shown.Messages.UnionWith(unread.Mails.Select(mail => mail.MessageId));
        await ShowChats(http, actor, shown, ended);
        await TakeControls(http, actor, ended);
        await ShowTasks(http, actor, shown, ended);
        return shown;
    }

    private async Task ShowChats(HttpContext http, Actor actor, Shown shown, CancellationToken ended)
    {
        var left = ShownChats;
        var pending = await grains.GetGrain<IConversationsGrain>(actor.ProjectId).Pending(actor.Id);
        foreach (var session in pending.Pending.Reverse())
        {
            var chat = grains.GetGrain<IChatGrain>(IChatGrain.Key(actor.ProjectId, session.SessionId));
            await chat.Settle();
            var unread = await chat.History(new(actor.Id, UnreadOnly: true, ShownChats));
            foreach (var message in unread.Messages.Take(left))
                await http.Response.Body.WriteAsync(AgentFrames.Chat(message.MessageId, message.FromAlias, session.SessionId), ended);
            shown.Messages.UnionWith(unread.Messages.Select(message => message.MessageId));
            if ((left -= unread.Messages.Length) <= 0) return;
        }
    }

    private async Task Follow(
        HttpContext http, Actor actor, ProjectFeed feed, OpenStream open, long position, Shown shown, CancellationToken due, CancellationToken ended)
    {
        while (!due.IsCancellationRequested)
        {
            var news = feed.News;
            var before = position;
            (var signals, position) = await feed.Signals(position);
            var (sent, tasksVersion) = (false, 0L);
            foreach (var signal in signals)
            {
                if (!signal.Concerns(actor.Id)) continue;
                sent = true;
                switch (signal)
                {
                    case MailSignal mail when !shown.Messages.Remove(mail.MessageId):
                        await http.Response.Body.WriteAsync(mail.Frame, ended);
                        break;
                    case ChatSignal chat when !shown.Messages.Remove(chat.MessageId):
                        await http.Response.Body.WriteAsync(chat.Frame, ended);
                        break;
                    case ControlWaits:
                        await TakeControls(http, actor, ended);
                        break;
                    case TasksMoved moved:
                        tasksVersion = moved.Version;
                        break;
                }
            }

            if (tasksVersion > 0) await ShowTasks(http, actor, shown, ended, tasksVersion);
            if (sent) await http.Response.Body.FlushAsync(ended);
            open.Reached(position);
            if (position > before) continue;
            using var wait = CancellationTokenSource.CreateLinkedTokenSource(due, ended);
            try
            {
                await news.WaitAsync(settings.KeepAlive, time, wait.Token);
            }
            catch (OperationCanceledException) when (due.IsCancellationRequested && !ended.IsCancellationRequested)
            {
                return;
            }
            catch (TimeoutException)
            {
                await http.Response.Body.WriteAsync(KeepAlive, ended);
                await http.Response.Body.FlushAsync(ended);
                // Should a wake-up ever be lost, a quiet stream still looks.
                await feed.CatchUp();
            }
        }
    }

    /// <summary>Shows what has come among the tasks that the agent could take and has taken, and what has gone from the latter.</summary>
    private async Task ShowTasks(HttpContext http, Actor actor, Shown shown, CancellationToken ended, long version = 0)
    {
        var tasks = grains.GetGrain<ITasksGrain>(actor.ProjectId);
        await tasks.Reach(version);
        var work = (await tasks.Ready()).Tasks.Take(ShownWork).ToArray();
        foreach (var task in work)
            if (!shown.Work.Contains(task.TaskId)) await http.Response.Body.WriteAsync(AgentFrames.Work(task), ended);
        shown.Work = [.. work.Select(task => task.TaskId)];

        var claims = (await tasks.AssignedTo(actor.Id)).Tasks;
        var ids = claims.Select(task => task.TaskId).ToHashSet();
        foreach (var id in shown.Claims)
            if (!ids.Contains(id)) await http.Response.Body.WriteAsync(AgentFrames.Unclaimed(id), ended);
        foreach (var task in claims)
            if (!shown.Claims.Contains(task.TaskId)) await http.Response.Body.WriteAsync(AgentFrames.Claimed(task), ended);
        shown.Claims = ids;
    }

    // Taken first and shown then: a signal is shown once at most, whichever of the agent's streams is the first to ask.
    private async Task TakeControls(HttpContext http, Actor actor, CancellationToken ended)
    {
        var queue = grains.GetGrain<IControlGrain>(IControlGrain.Key(actor.ProjectId, actor.Id));
        for (var taken = await queue.Take(); !taken.IsEmpty; taken = await queue.Take())
            foreach (var signal in taken)
                await http.Response.Body.WriteAsync(AgentFrames.Control(signal), ended);
    }

    [GeneratedRegex(@"\A[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,30})?)?([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)?)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Iso();
}
