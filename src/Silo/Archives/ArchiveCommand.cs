using System.CommandLine;
using System.Globalization;
using Beadhub.Hosting.EventLogs;
using Beadhub.Silo.Administration;

namespace Beadhub.Silo.Archives;

/// <summary><c>beadhub archive</c>: takes old events out of a log into files, looks at such files and puts them back.</summary>
internal static class ArchiveCommand
{
    private static readonly Argument<string[]> Projects =
        new("project") { Arity = ArgumentArity.ZeroOrMore, Description = "Slugs or ids; all projects unless given" };
    private static readonly Argument<string[]> Files = new("file") { Arity = ArgumentArity.OneOrMore, Description = "Archives" };
    private static readonly Option<string> OlderThan =
        new("--older-than") { DefaultValueFactory = _ => "90d", Description = "Least age of what is archived: 90d, 12h" };
    private static readonly Option<string?> To = new("--to") { Description = "Folder of the files" };
    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "Only say what would be archived" };
    private static readonly Option<string?> Database =
        new("--database") { Description =
        "sqlite:PATH, a postgres:// URL or an Npgsql string, as the owner of the tables [BEADHUB_DATABASE_URL]" };

    public static Command Create()
    {
        var verify = new Command("verify", "Read archives whole and check them.") { Files };
        verify.SetAction((parsed, cancellation) => AdminOptions.Run(() => Verify(parsed, cancellation)));
        var restore = new Command("restore", "Put the events of archives back. No server may run on the database.") { Files, Database };
        restore.SetAction((parsed, cancellation) => AdminOptions.Run(() => Restore(parsed, cancellation)));
        var command = new Command("archive",
            "Take events that nobody reads any more (of closed beads, of read mail, of webhooks' cursors) out of the database into JSONL "
            + "files. No server may run on the database.") { Projects, OlderThan, To, DryRun, Database, verify, restore };
        command.SetAction((parsed, cancellation) => AdminOptions.Run(() => Run(parsed, cancellation)));
        return command;
    }

    private static async Task Run(ParseResult parsed, CancellationToken cancellation)
    {
        var before = DateTimeOffset.UtcNow - Age(parsed.GetValue(OlderThan)!);
        var (dryRun, to) = (parsed.GetValue(DryRun), parsed.GetValue(To));
        if (!dryRun && to is null) throw new CommandFailedException("say where the files go: --to FOLDER, or --dry-run");
        await using var held = await HeldLog.Take(Url(parsed), "archived", cancellation);
        var archive = new Archive(held, TimeProvider.System);
        var named = parsed.GetValue(Projects) is { Length: > 0 } some
            ? some : [.. await held.Rows("SELECT key FROM events WHERE kind = 'project' AND version = 1 ORDER BY key",
                static row => row.GetString(0), cancellation)];
        var archived = false;
        foreach (var name in named)
        {
            var project = await held.Find(name, cancellation) ?? throw new CommandFailedException($"there is no project '{name}'");
            var plan = await ArchivePlan.Of(held, project.Id, before, cancellation);
            var what = string.Create(CultureInfo.InvariantCulture,
                $"{plan.Archived.Count} of {project.Events} events: {plan.Beads} closed beads, {plan.Mails} mails, {plan.Cursors} cursors");
            if (plan.Archived.Count == 0)
            {
                Console.WriteLine($"{project.Slug}: nothing to archive");
            }
            else if (dryRun)
            {
                Console.WriteLine($"{project.Slug}: would archive {what}");
            }
            else
            {
                var file = await archive.Run(project, plan, to!, cancellation);
                Console.WriteLine($"{project.Slug}: archived {what}, in {file}");
                archived = true;
            }
        }

        if (archived) await held.GiveBackSpace(cancellation);
    }

    private static async Task Verify(ParseResult parsed, CancellationToken cancellation)
    {
        foreach (var file in parsed.GetValue(Files)!)
        {
            var (project, events) = await ArchiveFile.Verify(file, cancellation);
            Console.WriteLine(
                string.Create(CultureInfo.InvariantCulture, $"{file}: whole, {events} events of '{project.Slug}' ({project.Id})"));
        }
    }

    private static async Task Restore(ParseResult parsed, CancellationToken cancellation)
    {
        await using var held = await HeldLog.Take(Url(parsed), "restored", cancellation);
        var archive = new Archive(held, TimeProvider.System);
        foreach (var file in parsed.GetValue(Files)!)
        {
            var (restored, there) = await archive.Restore(file, cancellation);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{file}: {restored} events put back, {there} were there"));
        }
    }

    private static DatabaseUrl Url(ParseResult parsed) =>
        DatabaseUrl.Parse(parsed.GetValue(Database) ?? Settings.FromEnvironment(Environment.GetEnvironmentVariable).DatabaseUrl);

    private static TimeSpan Age(string text) =>
        text.Length > 1 && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && text[^1] is 'd' or 'h' && number <= 100_000
            ? text[^1] == 'd' ? TimeSpan.FromDays(number) : TimeSpan.FromHours(number)
            : throw new CommandFailedException($"--older-than must be days or hours such as 90d or 12h, not '{text}'");
}
