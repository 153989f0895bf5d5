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
        Expect(command.KnownVersion);
        try
        {
            var outcome = await Transact(bead => bead.Change(command, time.Now()), result: BeadJson.Default.Outcome);
            return outcome.On(View());
        }
        finally
        {
            ForgetWhenUnknown();
        }
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
