using System.Runtime.InteropServices;

namespace Beadhub.Bench;

/// <summary>Runs the row groups one after the other and prints the table.</summary>
internal static class Bench
{
    private static readonly Dictionary<string, Func<Lab, Task>> Groups = new()
    {
        ["reads"] = Reads.Run,
        ["writes"] = Writes.Run,
        ["coordination"] = CoordinationWrites.Run,
        ["dequeue"] = CoordinationWrites.ClaimNext,
        ["keyed"] = KeyedWrites.Run,
        ["inbox"] = Inbox.Run,
        ["chat"] = ChatFanOut.Run,
        ["streams"] = EventStreams.Run,
        ["syncs"] = Syncs.Run,
        ["events"] = Events.Run,
        ["cluster"] = ClusterNodes.Run,
        ["plans"] = PlanSimulation.Run,
        ["startup"] = Startup.Run,
        ["beads"] = GrowthOfBeads.Run,
        ["history"] = History.Run,
        ["projects"] = GrowthOfProjects.Run,
        ["mesh"] = Mesh.Run,
    };

    /// <returns>The exit code: 0 when all was measured, whether or not every goal is met.</returns>
    public static async Task<int> Run(string[] arguments)
    {
        Options options;
        try
        {
            options = Options.Parse(arguments);
            if (options.Only is { } only && !Groups.ContainsKey(only)) throw new ArgumentException($"Unknown row: {only}\n{Options.Usage}");
        }
        catch (ArgumentException e)
        {
            Console.Error.WriteLine(e.Message);
            return 2;
        }

        // A signal ends the process through its exit handlers, which end the servers.
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Exit);
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Exit);
        await using var lab = new Lab(options);
        var failed = false;
        foreach (var (name, group) in Groups)
        {
            if (options.Only is not null && options.Only != name) continue;
            lab.Say($"{name} …");
            try
            {
                await group(lab);
            }
            catch (Exception e)
            {
                // The other rows are still worth having.
                failed = true;
                lab.Say($"{name} failed: {e}");
            }
        }
        lab.Results.Print(Console.Out, options);
        if (options.Chart is { } chart) lab.Results.Draw(chart);
        return failed ? 1 : 0;
    }

    private static void Exit(PosixSignalContext signal)
    {
        signal.Cancel = true;
        Environment.Exit(130);
    }
}
