using System.CommandLine;
using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.Hosting.EventLogs;
using Beadhub.Silo.Administration;

namespace Beadhub.Silo.LogReading;

/// <summary><c>beadhub log</c>: prints a project's feed or a stream of the event log, one JSON object a line.</summary>
internal static class LogCommand
{
    private const int PageSize = 500;

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(300);
    private static readonly Option<string?> Database =
        new("--database") { Description = "sqlite:PATH, a postgres:// URL or an Npgsql string [BEADHUB_DATABASE_URL]" };
    private static readonly Option<string?> Project =
        new("--project") { Description = "Slug or id of the project whose feed is printed; - for what belongs to none" };
    private static readonly Option<string?> Stream = new("--stream") { Description = "KIND/KEY of the stream that is printed instead" };
    private static readonly Option<long> After = new("--after") { Description = "Begin after this position, or version of the stream" };
    private static readonly Option<long?> Max = new("--max") { Description = "Print so many at most" };
    private static readonly Option<bool> Follow = new("--follow") { Description = "Go on with what comes" };
    private static readonly Option<bool> Texts =
        new("--texts") { Description = "Show what agents have written too; keys and secrets are never shown" };

    private static readonly Option<string[]> Archives =
        new("--archive")
        {
            AllowMultipleArgumentsPerToken = true, Description = "Archives of the log, whose events are printed in their places",
        };

    public static Command Create()
    {
        var command = new Command("log",
            "Print a project's feed or a stream of the event log, beside a running server too. Changes nothing.")
        {
            Database, Project, Stream, After, Max, Follow, Texts, Archives,
        };
        command.SetAction((parsed, cancellation) => Run(parsed, cancellation));
        return command;
    }

    /// <summary>0 when all was printed; 1 when it cannot be read, with the reason on standard error.</summary>
    private static async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        try
        {
            var (project, stream) = (parsed.GetValue(Project), parsed.GetValue(Stream));
            if (project is null == stream is null) return Refuse("give either --project or --stream");
            if (stream is not null && stream.IndexOf('/') is not > 0)
                return Refuse("a stream is named KIND/KEY, for example 'project/4636aaf5-99ae-4868-8a09-ff712bd92e0f'");
            await using var log = Open(parsed.GetValue(Database)
                ?? Settings.FromEnvironment(Environment.GetEnvironmentVariable).DatabaseUrl, parsed.GetValue(Archives) ?? []);
            if (project is not null && await IdOf(log, project, cancellation) is var id)
            {
                if (id is null) return Refuse($"there is no project '{project}'");
                await Print(parsed, (after, max) => log.Feed(id, after, max, cancellation), static e => e.Position, cancellation);
            }
            else if (stream!.IndexOf('/') is var slash)
            {
                var key = new StreamKey(stream[..slash], stream[(slash + 1)..]);
                // Who follows may wait for one that begins.
                if (!parsed.GetValue(Follow) && (await log.Stream(key, 0, 1, cancellation)).Count == 0)
                    return Refuse($"there is no stream '{stream}'");
                await Print(parsed, (after, max) => log.Stream(key, after, max, cancellation), static e => e.Version, cancellation);
            }

            return 0;
        }
        catch (OperationCanceledException)
        {
            return 0;
        }
        catch (Exception e) when (e is SettingsException or ArgumentException or UnavailableException or CommandFailedException)
        {
            return Refuse(e.Message);
        }
    }

    private static async Task Print(ParseResult parsed, Func<long, int, Task<IReadOnlyList<FeedEvent>>> read, Func<FeedEvent, long> number,
        CancellationToken cancellation)
    {
        var (after, left, follow, texts) = (parsed.GetValue(After), parsed.GetValue(Max) ?? long.MaxValue, parsed.GetValue(Follow),
            parsed.GetValue(Texts));
        using var output = new StreamWriter(Console.OpenStandardOutput());
        while (left > 0)
        {
            var page = await read(after, (int)Math.Min(left, PageSize));
            foreach (var stored in page)
            {
                await output.WriteLineAsync(LogLine.Of(stored, texts));
                after = number(stored);
            }

            left -= page.Count;
            await output.FlushAsync(cancellation);
            if (page.Count > 0) continue;
            if (!follow) return;
            await Task.Delay(LookEvery, cancellation);
        }
    }

    private static ILogReader Open(string database, string[] archives)
    {
        var url = DatabaseUrl.Parse(database);
        ILogReader log =
            url.SqlitePath is { } path ? new SqliteLogReader(path) : new PostgresLogReader(url.ConnectionString!, url.Description);
        return archives.Length == 0 ? log : new ArchiveLogReader(log, archives);
    }

    // A slug may look like an id; the slug that somebody has taken goes first.
    private static async Task<string?> IdOf(ILogReader log, string project, CancellationToken cancellation) =>
        await log.FindProject(project, cancellation) ?? ((await log.Feed(project, 0, 1, cancellation)).Count > 0 ? project : null);

    private static int Refuse(string reason)
    {
        Console.Error.WriteLine($"beadhub: {reason}");
        return 1;
    }
}
