using Beadhub.Beads;

namespace Beadhub.Boards;

/// <summary>
/// Hands out beads that nobody works on. Between the choice of a bead and the durable claim the bead is reserved here, so that all who ask
/// at once are sent to different beads and their claims meet in one commit. A reservation is only a way not to collide: the bead itself
/// decides.
/// </summary>
internal sealed class FreeBeads
{
    private readonly Dictionary<string, TaskCompletionSource> _reserved = new(StringComparer.Ordinal);

    /// <summary>Reserves the best bead for a command.</summary>
    /// <param name="board">The index.</param>
    /// <param name="command">What is asked for.</param>
    /// <param name="refused">Ids of beads that refused this command before; null when none did.</param>
    /// <returns>
    /// The issue, whose bead must be given back by <see cref="Return"/>, and why it is this one; or, when all that would do are reserved,
    /// the end of such a reservation: the claim may fail, and then the bead must not have been skipped. Nothing when there is none.
    /// </returns>
    public (BeadRecord? Issue, string? Why, Task? Busy) Reserve(Board board, ClaimNextBead command, HashSet<string>? refused)
    {
        var order = NextBeads.Of(board, command);
        lock (_reserved)
        {
            Task? busy = null;
            foreach (var issue in order.Among(board.Free.Where(issue => Passes(issue, command))))
            {
                if (refused?.Contains(issue.BeadId) == true) continue;
                if (_reserved.TryGetValue(issue.BeadId, out var reservation))
                {
                    busy ??= reservation.Task;
                    continue;
                }

                _reserved.Add(issue.BeadId, new(TaskCreationOptions.RunContinuationsAsynchronously));
                return (issue, order.Why(issue), null);
            }

            return (null, null, busy);
        }
    }

    /// <summary>Ends a reservation, after the index shows what became of the bead.</summary>
    public void Return(string beadId)
    {
        lock (_reserved)
        {
            if (_reserved.Remove(beadId, out var reservation)) reservation.SetResult();
        }
    }

    /// <summary>Whether an issue is what a command asks for.</summary>
    public static bool Passes(BeadRecord issue, ClaimNextBead command) =>
        (command.Repo is null || issue.Repo == command.Repo)
        && (command.Branch is null || issue.Branch == command.Branch)
        && (command.Assignee is null || issue.Assignee == command.Assignee)
        && (command.MaxPriority is not { } max || issue.Priority <= max)
        && (command.Types.IsDefaultOrEmpty || issue.Type is not null && command.Types.Contains(issue.Type))
        && (command.Labels.IsDefaultOrEmpty || command.Labels.All(label => issue.Labels.Contains(label)));
}
