using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text;
using System.Threading.Channels;
using Beadhub.Escalations;
using Beadhub.Gateway;
using Beadhub.Hosting.Cluster.Leases;
using Beadhub.Mail;
using Beadhub.Outreach;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Hosting.Outreach;

/// <summary>
/// Tells people of what waits for them, escalations and mail, by the channels that the rules name, and again while nobody has answered or
/// read it. What waits is asked of its own grains, and what went out is noted after each sending, so a crash costs a repeat at most. One
/// node does it for all (<see cref="IBackgroundLease"/>).
/// </summary>
internal sealed class OutreachDelivery(
    IGrainFactory grains, OutreachSettings settings, OutreachSender sender, AnswerLinks links, IBackgroundLease lease, TimeProvider time,
    ILogger<OutreachDelivery> logger)
    : BackgroundService, IOutreach
{
    private const int Most = 200; // of a kind and project at a time
    private const int MostTimes = 10;
    private const string Escalation = "escalation";
    private const string MailKind = "mail";
    private const string DigestItem = "digest";

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    private readonly TimeZoneInfo _zone = settings.Zone;
    private readonly ConcurrentDictionary<string, (int Failures, DateTimeOffset Until)> _failed = new();
    private readonly Channel<string> _woken = System.Threading.Channels.Channel.CreateBounded<string>(
        new BoundedChannelOptions(1000) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Something that waits for people.</summary>
    private sealed record Waiting(
        string Kind, string Item, string Severity, string Subject, Func<Task<(string Text, string? Link, string? MemberEmail)?>> Text);

    private bool IsOff => settings.Channels.IsEmpty;

    /// <inheritdoc/>
    public Task Begin(string projectId) => grains.GetGrain<IOutreachGrain>(projectId).Begin();

    /// <inheritdoc/>
    public void Wake(string projectId)
    {
        if (!IsOff) _woken.Writer.TryWrite(projectId);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (IsOff) return;
        await Task.Yield();
        try
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                var held = await lease.Held(stoppingToken);
                using var serving = CancellationTokenSource.CreateLinkedTokenSource(held, stoppingToken);
                try
                {
                    await Serve(serving.Token);
                }
                catch (OperationCanceledException) when (serving.IsCancellationRequested && !stoppingToken.IsCancellationRequested)
                {
                    // Another node does it now.
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The node stops.
        }
    }

    private async Task Serve(CancellationToken serving)
    {
        var next = time.GetUtcNow();
        while (true)
        {
            var wait = next - time.GetUtcNow();
            if (wait > TimeSpan.Zero)
            {
                using var woken = CancellationTokenSource.CreateLinkedTokenSource(serving);
                var reading = _woken.Reader.WaitToReadAsync(woken.Token).AsTask();
                await Task.WhenAny(reading, Task.Delay(wait, time, woken.Token));
                await woken.CancelAsync();
                serving.ThrowIfCancellationRequested();
                var projects = new HashSet<string>();
                while (_woken.Reader.TryRead(out var project)) projects.Add(project);
                foreach (var project in projects) next = Earlier(next, await TryLook(project, serving));
                if (time.GetUtcNow() < next) continue;
            }

            next = time.GetUtcNow() + (lease.LookEvery ?? LookEvery);
            foreach (var project in await All()) next = Earlier(next, await TryLook(project, serving));
        }
    }

    private async Task<ImmutableArray<string>> All()
    {
        try
        {
            return await grains.GetGrain<IOutreachProjectsGrain>("all").All();
        }
        catch (UnavailableException e)
        {
            logger.LogWarning("It cannot be read in which projects people wait: {Reason}", e.Message);
            return [];
        }
    }

    private async Task<DateTimeOffset?> TryLook(string projectId, CancellationToken serving)
    {
        try
        {
            return await Look(projectId, serving);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            logger.LogWarning("What waits for people in project {Project} cannot be looked at: {Reason}", projectId, e.Message);
            return null;
        }
    }

    /// <summary>Sends what is due in a project. The answer is when the next of it is; null for not soon.</summary>
    private async Task<DateTimeOffset?> Look(string projectId, CancellationToken serving)
    {
        var grain = grains.GetGrain<IOutreachGrain>(projectId);
        var open = await grain.Open();
        var standing = await grains.GetGrain<IProjectGrain>(projectId).Standing(null);
        if (!standing.Exists || standing.IsArchived) return null;
        var waiting = (await Escalations(projectId)).AddRange(await Mails(projectId));
        var gone = open.Select(static sent => sent.Item).Where(static item => item != DigestItem)
            .Except(waiting.Select(static one => one.Item)).Distinct().ToImmutableArray();
        if (!gone.IsEmpty) await grain.Settle(gone);
        var sentBefore = open.ToDictionary(static sent => (sent.Item, sent.Channel));

        DateTimeOffset? next = null;
        foreach (var one in waiting)
        {
            foreach (var (channel, repeat) in ChannelsFor(projectId, standing.Slug!, one))
            {
                var before = sentBefore.GetValueOrDefault((one.Item, channel));
                if (before is not null && (repeat is null || before.Times >= MostTimes)) continue;
                var due = before is null ? DateTimeOffset.MinValue : before.LastAt + repeat!.Value;
                if (due <= time.GetUtcNow())
                {
                    if (await one.Text() is not (var text, var link, var member)) break;
                    var message = new OutreachMessage(one.Kind, one.Item, projectId, standing.Slug!, one.Severity, one.Subject, text, link,
                        member, (before?.Times ?? 0) + 1);
                    due = await Send(grain, channel, message, serving) is { } failedUntil ? failedUntil
                        : time.GetUtcNow() + (repeat ?? TimeSpan.MaxValue / 4);
                }

                next = Earlier(next, due);
            }
        }

        foreach (var digest in settings.Digests) await Summarise(digest, projectId, standing.Slug!, waiting, sentBefore, grain, serving);
        return next;
    }

    /// <summary>The channels that the rules name for it at this hour, each with the shortest time after which it is sent again.</summary>
    private IEnumerable<(string Channel, TimeSpan? Repeat)> ChannelsFor(string projectId, string slug, Waiting one)
    {
        var hour = TimeZoneInfo.ConvertTime(time.GetUtcNow(), _zone).Hour;
        return settings.Rules
            .Where(rule => (rule.Kinds.IsEmpty || rule.Kinds.Contains(one.Kind))
                && (rule.Severities.IsEmpty || rule.Severities.Contains(one.Severity))
                && (rule.Projects.IsEmpty || rule.Projects.Contains(slug) || rule.Projects.Contains(projectId))
                && (rule.Hours is null || OutreachSettings.HoursOf(rule.Hours) is not (var from, var before)
                    || (from <= before ? hour >= from && hour < before : hour >= from || hour < before)))
            .SelectMany(static rule => rule.Channels.Select(channel =>
                (Channel: channel, Repeat: rule.Repeat is { } text ? OutreachSettings.LengthOf(text) : null)))
            .GroupBy(static one => one.Channel).Select(static same => (same.Key, same.Min(static one => one.Repeat)));
    }

    /// <summary>Sends by one channel. Null when it went out; else until when it is not tried again.</summary>
    private async Task<DateTimeOffset?> Send(IOutreachGrain grain, string channel, OutreachMessage message, CancellationToken serving)
    {
        var key = $"{message.Item} {channel}";
        if (_failed.TryGetValue(key, out var failed) && failed.Until > time.GetUtcNow()) return failed.Until;
        try
        {
            await sender.Send(settings.Channels[channel], message, serving);
        }
        catch (Exception e) when (!serving.IsCancellationRequested)
        {
            var failures = failed.Failures + 1;
            var pause = TimeSpan.FromSeconds(Math.Min(LongestPause.TotalSeconds, Math.Pow(2, Math.Min(failures - 1, 20))));
            var until = time.GetUtcNow() + pause;
            if (_failed.Count > 10_000) _failed.Clear();
            _failed[key] = (failures, until);
            logger.LogWarning("{Item} of project {Project} was not taken by channel {Channel}, tried again in {Seconds} s: {Reason}",
                message.Item, message.ProjectId, channel, (int)pause.TotalSeconds, (e.InnerException ?? e).Message);
            return until;
        }

        _failed.TryRemove(key, out _);
        await grain.Sent(new(message.Item, channel, time.GetUtcNow()));
        return null;
    }

    private async Task<ImmutableArray<Waiting>> Escalations(string projectId)
    {
        var escalations = grains.GetGrain<IEscalationsGrain>(projectId);
        if ((await escalations.Pending()).Count == 0) return [];
        var page = await escalations.List(new(null, null, EscalationStatus.Pending, null, Most, null));
        return [.. page.Escalations.Select(row => new Waiting(Escalation, $"{Escalation}/{row.EscalationId}", row.Severity,
            $"{row.Alias} asks: {row.Subject}", async () =>
            {
                // Answered since the list was read?
                if (await escalations.Get(row.EscalationId) is not { Status: EscalationStatus.Pending } asked) return null;
                var text = new StringBuilder(
                    $"{asked.Alias} asks ({asked.Severity}), and waits until {asked.ExpiresAt:yyyy-MM-dd HH:mm} UTC:\n\n");
                text.Append(asked.Subject).Append("\n\n").Append(asked.Situation).Append('\n');
                foreach (var option in asked.Options ?? []) text.Append("\n- ").Append(option);
                return (text.ToString(), LinkOf(projectId, row.EscalationId), asked.MemberEmail);
            }))];
    }

    private string? LinkOf(string projectId, string escalationId) =>
        settings.PublicUrl is { } url && links.Make(projectId, escalationId) is { } path ? $"{url.TrimEnd('/')}/{path}" : null;

    /// <summary>Mail to people that they have not read.</summary>
    private async Task<ImmutableArray<Waiting>> Mails(string projectId)
    {
        var waiting = ImmutableArray.CreateBuilder<Waiting>();
        var agents = await grains.GetGrain<IProjectGrain>(projectId).Agents();
        foreach (var person in agents.Agents.Where(static agent => agent.AgentType == IOutreach.Human))
        {
            var mailbox = grains.GetGrain<IMailboxGrain>(IMailboxGrain.Key(projectId, person.AgentId));
            var inbox = await mailbox.Inbox(new(UnreadOnly: true, Most));
            foreach (var mail in inbox.Mails)
            {
                var severity = mail.Priority switch { "urgent" => Severities.Critical, "high" => Severities.High, "low" => Severities.Low,
                    _ => Severities.Normal };
                var subject = mail.Subject.Length == 0 ? $"mail from {mail.FromAlias}" : mail.Subject;
                waiting.Add(new(MailKind, $"{MailKind}/{mail.MessageId}", severity, $"{mail.FromAlias} to {person.Alias}: {subject}", () =>
                    Task.FromResult<(string, string?, string?)?>((mail.Body, null, null))));
            }
        }

        return waiting.DrainToImmutable();
    }

    /// <summary>Sends the summary of a day, once, from its hour on.</summary>
    private async Task Summarise(
        OutreachSettings.Digest digest, string projectId, string slug, ImmutableArray<Waiting> waiting,
        Dictionary<(string, string), OutreachState> sentBefore, IOutreachGrain grain, CancellationToken serving)
    {
        if (!digest.Projects.IsEmpty && !digest.Projects.Contains(slug) && !digest.Projects.Contains(projectId)) return;
        var now = TimeZoneInfo.ConvertTime(time.GetUtcNow(), _zone);
        if (now.Hour < digest.Hour) return;
        string? text = null;
        foreach (var channel in digest.Channels)
        {
            if (sentBefore.GetValueOrDefault((DigestItem, channel)) is { } last
                && TimeZoneInfo.ConvertTime(last.LastAt, _zone).Date == now.Date) continue;
            text ??= await Digest(projectId, waiting);
            await Send(grain, channel, new("digest", DigestItem, projectId, slug, Severities.Low,
                $"{now:yyyy-MM-dd}: {waiting.Length} waiting for people", text, null, null, 1), serving);
        }
    }

    private async Task<string> Digest(string projectId, ImmutableArray<Waiting> waiting)
    {
        var status = await grains.GetGrain<IProjectGrain>(projectId).Status(new(null, null));
        var text = new StringBuilder();
        Section("Waiting for people", waiting.Select(static one => $"{one.Subject} ({one.Severity})"));
        Section("Being worked on", status.Claims.Select(static claim => $"{claim.BeadId} {claim.Title}: {claim.Alias}"));
        Section("There now", status.Agents.Select(static agent => agent.Alias));
        return text.ToString();

        void Section(string title, IEnumerable<string> lines)
        {
            var all = lines.ToArray();
            text.Append(title).Append(": ").Append(all.Length).Append('\n');
            foreach (var line in all.Take(50)) text.Append("- ").Append(line).Append('\n');
            if (all.Length > 50) text.Append("- and ").Append(all.Length - 50).Append(" more\n");
            text.Append('\n');
        }
    }

    private static DateTimeOffset Earlier(DateTimeOffset a, DateTimeOffset? b) => b < a ? b.Value : a;

    private static DateTimeOffset? Earlier(DateTimeOffset? a, DateTimeOffset b) => a < b ? a : b;
}
