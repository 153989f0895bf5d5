using Beadhub.EventLog;
using Orleans;

namespace Beadhub.Beads;

/// <summary>The shell of <see cref="Bead"/>.</summary>
public sealed class BeadGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<Bead>(log), IBeadGrain
{
    private string _beadId = "";

    /// <inheritdoc/>
    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _beadId = Bead.IdOf(this.GetPrimaryKeyString());
        return base.OnActivateAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override bool ReadsLate => true;

    /// <inheritdoc/>
    public async Task<BeadChange> Change(ChangeBead command)
    {
        if (command.ProbablyNew) AssumeNew();
        try
        {
            var outcome = await Transact(bead => bead.Change(command, time.Now()));
            var view = View();
            return new(view, outcome.Stored, outcome.StatusChanged, outcome.Removed, outcome.HeldBy, outcome.Granted,
                NewsVersion: outcome.NewsFromEnd is { } back ? view.Version - back : 0);
        }
        catch (MarkTakenException taken) when (taken.Marked is { } marked)
        {
            return new(View(), StoreResult.None, false, false, null, Earlier: new(Bead.IdOf(marked.Stream.Key), marked.Version));
        }
        finally
        {
            ForgetWhenUnknown();
        }
    }

    /// <inheritdoc/>
    public async ValueTask<BeadView> Get()
    {
        var view = await Read(_ => View());
        ForgetWhenUnknown();
        return view;
    }

    // The version is read first: reads interleave with writes, and a view may be newer than its version says, never older.
    private BeadView View()
    {
        var version = Version;
        return State.View(_beadId, version);
    }

    // Whoever asks for ids that do not exist must not fill the memory.
    private void ForgetWhenUnknown()
    {
        if (Version == 0) DeactivateOnIdle();
    }
}
