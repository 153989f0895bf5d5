using System.Collections.Concurrent;
using Beadhub.EventLog;
using Orleans;
using Orleans.Runtime;

namespace Beadhub.Escalations;

/// <inheritdoc cref="IEscalationsGrain"/>
public sealed class EscalationsGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<EscalationList>(log), IEscalationsGrain
{
    private const int CachedTexts = 32;

    // Often enough for the grain not to be collected as idle while somebody waits; and a clock may be set.
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(30);
    private static readonly Func<EscalationList, EscalationList> WholeState = escalations => escalations;

    private readonly ConcurrentDictionary<string, (Escalation Of, EscalationView View)> _texts = new();
    private EscalationViews? _views;
    private IGrainTimer? _expiring;
    private DateTimeOffset? _nextExpiry;
    private string _project = "";

    /// <inheritdoc/>
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _project = this.GetPrimaryKeyString();
        await base.OnActivateAsync(cancellationToken);

        // What has expired while nobody was here gets its event now.
        ExpireBy(State.Expire(time.Now()) is { Events.IsEmpty: true } none ? none.Result : time.Now());
    }

    /// <inheritdoc/>
    public async Task<EscalationRow> Create(CreateEscalation command)
    {
        var row = await Transact(escalations => escalations.Create(command, time.Now()), result: EscalationListJson.Default.EscalationRow);
        if (!(row.ExpiresAt >= _nextExpiry)) ExpireBy(row.ExpiresAt);
        return row;
    }

    /// <inheritdoc/>
    public async Task<EscalationAnswer> Respond(RespondToEscalation command)
    {
        try
        {
            return await Transact(escalations => escalations.Respond(command, time.Now()));
        }
        catch (MarkTakenException taken) when (taken.Marked is { } marked)
        {
            // Given before, and replaced by another one since.
            var given = await ReadAt<EscalationResponded>(marked);
            return given.EscalationId == command.EscalationId
                ? new(given.EscalationId, given.Response, given.Note, given.At)
                : throw new RefusedException(RefusalKind.Conflict, "The project has a response with this id already");
        }
    }

    /// <inheritdoc/>
    public async ValueTask<EscalationPage> List(EscalationQuery query) => ViewsOf(await Read(WholeState)).Page(query);

    /// <inheritdoc/>
    public async ValueTask<EscalationRow?> Find(string escalationId) =>
        (await Read(WholeState)).ById.GetValueOrDefault(escalationId)?.Row(time.Now());

    /// <inheritdoc/>
    public async ValueTask<EscalationView?> Get(string escalationId)
    {
        if (!(await Read(WholeState)).ById.TryGetValue(escalationId, out var escalation)) return null;
        var status = escalation.StatusAt(time.Now());
        if (_texts.TryGetValue(escalationId, out var known) && ReferenceEquals(known.Of, escalation) && known.View.Status == status)
            return known.View;

        var created = await ReadMarked<EscalationCreated>(EscalationList.MarkOf(escalationId));
        var responded = escalation.ResponseId is { } response
            ? await ReadMarked<EscalationResponded>(EscalationList.MarkOfResponse(response)) : null;
        var view = new EscalationView(
            created.EscalationId, created.WorkspaceId, created.Alias, created.MemberEmail, created.Subject, created.Situation,
            created.Options.IsDefaultOrEmpty ? null : created.Options, status, responded?.Response, responded?.Note, created.At,
            responded?.At, created.ExpiresAt, created.Severity ?? Severities.Normal);
        if (_texts.Count >= CachedTexts) _texts.Clear();
        _texts[escalationId] = (escalation, view);
        return view;
    }

    /// <inheritdoc/>
    public ValueTask<PendingEscalations> Pending()
    {
        var read = Read(WholeState);
        return read.IsCompletedSuccessfully ? new(ViewsOf(read.Result).Pending) : Wait(read);

        async ValueTask<PendingEscalations> Wait(ValueTask<EscalationList> read) => ViewsOf(await read).Pending;
    }

    private EscalationViews ViewsOf(EscalationList state)
    {
        var now = time.Now();
        var views = Volatile.Read(ref _views);
        if (views is null || !views.Show(state, now)) Volatile.Write(ref _views, views = new(state, now, views));
        return views;
    }

    private async Task<TEvent> ReadMarked<TEvent>(string mark) where TEvent : class, IEvent =>
        await ReadAt<TEvent>(await Log.FindMark(_project, mark) ?? throw new UnavailableException($"No event carries the mark {mark}."));

    private async Task<TEvent> ReadAt<TEvent>(MarkedEvent marked) where TEvent : class, IEvent =>
        await Log.ReadStream(marked.Stream, marked.Version - 1, 1) is [var stored]
            && EventTypes.Parse(stored.Type, stored.Data) is TEvent @event
            ? @event
            : throw new UnavailableException($"Event {marked.Version} of {marked.Stream} cannot be read.");

    /// <summary>Sets the timer for the next escalation that nobody may have answered by then.</summary>
    private void ExpireBy(DateTimeOffset? next)
    {
        _nextExpiry = next;
        if (next is not { } at) return;
        var wait = at - time.GetUtcNow();
        if (wait > LongestWait) wait = LongestWait;
        if (wait < TimeSpan.Zero) wait = TimeSpan.Zero;
        if (_expiring is null)
            _expiring = this.RegisterGrainTimer(Expire, new GrainTimerCreationOptions(wait, Timeout.InfiniteTimeSpan) { KeepAlive = true });
        else _expiring.Change(wait, Timeout.InfiniteTimeSpan);
    }

    private async Task Expire(CancellationToken cancellationToken)
    {
        var next = time.GetUtcNow() + RetryAfter;
        try
        {
            while (await Transact(escalations => escalations.Expire(time.Now())) is { } due)
            {
                next = due;
                if (due > time.Now()) return;
            }

            next = default;
        }
        finally
        {
            ExpireBy(next == default ? null : next);
        }
    }
}
