namespace Beadhub.Bench;

/// <summary>Start and idle memory on the embedded default, against an empty ASP.NET Core app.</summary>
internal static class Startup
{
    public static async Task Run(Lab lab)
    {
        List<double>[] times = [[], []];
        List<double>[] memory = [[], []];
        for (var round = 0; round <= lab.Options.Rounds; round++)
        {
            for (var i = 0; i < 2; i++)
            {
                await using var host = i == 0 ? await lab.Server(database: null) : await lab.Reference("empty");
                // The first start reads the files from the disk, and does not count.
                if (round == 0) continue;
                times[i].Add(host.StartTime.TotalSeconds);
                if (round <= 3) memory[i].Add(await host.IdleMemory() / 1e6);
            }
        }
        lab.Results
            .Add(new("start of the process to first answer (SQLite, new file)", "empty app", Measure.Median([.. times[0]]),
            Measure.Median([.. times[1]]), "s", Goal.Most(3)));
        lab.Results
            .Add(new("idle memory", "empty app", Measure.Median([.. memory[0]]), Measure.Median([.. memory[1]]), "MB", Goal.Most(2)));
    }
}
