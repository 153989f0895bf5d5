// An application with a Beadhub inside: agents find it under /beadhub, the application itself talks to the grains.
using Beadhub;

var builder = WebApplication.CreateBuilder(args);
builder.AddBeadhub(settings => settings with { DatabaseUrl = builder.Configuration["Database"] ?? "sqlite:./.beadhub/embedded.db" });
builder.Services.AddBeadhubClient();

var app = builder.Build();
app.MapBeadhub("/beadhub");

// Ready work of a project, as a page of the application's own.
app.MapGet("/ready/{project}", async (string project, BeadhubClient hub) =>
    await hub.FindProject(project) is { } found
        ? Results
            .Ok((await found.Board.Ready(new(Repo: null, Branch: null, Limit: 20))).Issues
            .Select(issue => new { issue.BeadId, issue.Title }))
        : Results.NotFound());

// Who has claimed what in a project, from its beginning and as it happens, until the caller leaves.
app.MapGet("/watch/{project}", async (string project, BeadhubClient hub, HttpContext http) =>
{
    if (await hub.FindProject(project) is not { } found) return Results.NotFound();
    await http.Response.Body.FlushAsync(http.RequestAborted);
    try
    {
        await foreach (var happened in found.Follow(after: 0, http.RequestAborted))
            if (EventTypes.Parse(happened.Type, happened.Data) is Beadhub.Beads.BeadClaimed claimed)
            {
                await http.Response.WriteAsync($"{claimed.Alias} claimed {claimed.Title}\n", http.RequestAborted);
                await http.Response.Body.FlushAsync(http.RequestAborted);
            }
    }
    catch (OperationCanceledException)
    {
        // The caller has left.
    }

    return Results.Empty;
});

app.Run();
