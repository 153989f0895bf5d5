using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Beadhub.Hosting.EventLogs;

namespace Beadhub.Silo.Administration;

/// <summary><c>beadhub project</c>: what operators do with projects. All but <c>erase</c> ask a running server.</summary>
internal static class ProjectCommand
{
    private static readonly Argument<string> Project = new("project") { Description = "Slug or id" };
    private static readonly Argument<string> Name = new("name") { Description = "The new name; the slug stays" };
    private static readonly Option<string?> Database =
        new("--database") { Description =
        "sqlite:PATH, a postgres:// URL or an Npgsql string, as the owner of the tables [BEADHUB_DATABASE_URL]" };
    private static readonly Option<string?> Yes = new("--yes") { Description = "The project's slug, to confirm without being asked" };

    public static Command Create()
    {
        var list = Asking("list", "All projects.", static async (parsed, api, cancellation) =>
        {
            var projects = await api.Projects(parsed.GetValue(AdminOptions.Tenant), cancellation);
            if (parsed.GetValue(AdminOptions.Json)) Table.PrintJson(projects);
            else
                Table.Print(["SLUG", "NAME", "ID", "TENANT", "VISIBILITY", "AGENTS", "CREATED", "ARCHIVED"],
                    projects.Select(static project => new[]
                {
                    Table.Field(project, "slug"), Table.Field(project, "name"), Table.Field(project, "project_id"),
                        Table.Field(project, "tenant_id"), Table.Field(project, "visibility"),
                    Table.Field(project, "agents"), Day(project, "created_at"), Day(project, "archived_at"),
                }));
        });
        var show = Asking("show", "One project.", static (parsed, api, cancellation) =>
            api.Project(parsed.GetValue(Project)!, parsed.GetValue(AdminOptions.Tenant), cancellation));
        var rename = Asking("rename", "Give a project another name.", static (parsed, api, cancellation) =>
            Change(parsed, api, HttpMethod.Patch, "", new JsonObject { ["name"] = parsed.GetValue(Name) }, cancellation));
        var archive = Asking("archive", "Put a project aside: it is read, not changed, and nobody joins it.",
            static (parsed, api, cancellation) =>
            Change(parsed, api, HttpMethod.Post, "/archive", null, cancellation));
        var unarchive = Asking("unarchive", "Take an archived project into use again.", static (parsed, api, cancellation) =>
            Change(parsed, api, HttpMethod.Post, "/unarchive", null, cancellation));
        foreach (var command in new[] { show, rename, archive, unarchive }) command.Arguments.Add(Project);
        rename.Arguments.Add(Name);

        var erase = new Command("erase",
            "Remove all that the database holds of a project, for good. No server may run on the database.") { Project, Database, Yes };
        erase.SetAction((parsed, cancellation) => AdminOptions.Run(() => Erase(parsed, cancellation)));
        return new("project", "Look at projects, rename, archive and erase them.") { list, show, rename, archive, unarchive, erase };
    }

    private static Command Asking(string name, string description, Func<ParseResult, AdminApi, CancellationToken, Task> run) =>
        AdminOptions.Asking(name, description, run);

    private static Command Asking(string name, string description, Func<ParseResult, AdminApi, CancellationToken, Task<JsonElement>> run) =>
        AdminOptions.Asking(name, description, async (parsed, api, cancellation) =>
        {
            var project = await run(parsed, api, cancellation);
            if (parsed.GetValue(AdminOptions.Json)) Table.PrintJson(project);
            else Table.Print(project);
        });

    private static async Task<JsonElement> Change(ParseResult parsed, AdminApi api, HttpMethod method, string path, JsonObject? body,
        CancellationToken cancellation)
    {
        var project = await api.Project(parsed.GetValue(Project)!, parsed.GetValue(AdminOptions.Tenant), cancellation);
        return await api.Ask(method, $"v1/projects/{project.GetProperty("project_id").GetString()}{path}", body, cancellation);
    }

    private static string Day(JsonElement project, string name) => Table.Field(project, name) is { Length: > 10 } time ? time[..10] : "-";

    private static async Task Erase(ParseResult parsed, CancellationToken cancellation)
    {
        var url = DatabaseUrl.Parse(parsed.GetValue(Database) ?? Settings.FromEnvironment(Environment.GetEnvironmentVariable).DatabaseUrl);
        await using var held = await HeldLog.Take(url, "erased", cancellation);
        var project = await held.Find(parsed.GetValue(Project)!, cancellation)
            ?? throw new CommandFailedException($"there is no project '{parsed.GetValue(Project)}' in {url.Description}");
        var confirmed = parsed.GetValue(Yes);
        if (confirmed is null && !Console.IsInputRedirected)
        {
            Console.Error
                .Write($"This removes {project.Events} events of the project '{project.Slug}' ({project.Id}) from {url.Description}, "
                + $"for good. Type its slug to go on: ");
            confirmed = Console.ReadLine();
        }

        if (confirmed != project.Slug)
            throw new CommandFailedException(confirmed is null
                ? $"confirm with --yes {project.Slug}" : $"'{confirmed}' is not the project's slug '{project.Slug}'; nothing was changed");
        var erased = await new Erasure(held).Run(project, cancellation);
        Console.WriteLine($"Erased '{project.Slug}' ({project.Id}) from {url.Description}:");
        Console.WriteLine(
            $"{erased.Events} events, {erased.Streams} streams, {erased.Marks} marks, {erased.Names} names, {erased.Keys} API keys, "
            + $"{erased.Origins} mentions among the uses of repositories.");
        Console.WriteLine(erased.Mentions == 0
            ? "Counted again: nothing in this database names it any more, and its slug is free."
            : $"Counted again: nothing of it is left, and its slug is free; {erased.Mentions} events of other projects mention its id "
                + $"in what their members wrote.");
        Console.WriteLine(
            "Backups, archived write-ahead logs, replicas' snapshots and copies of the file made before hold it still: delete them, or "
            + "let them expire.");
    }
}
