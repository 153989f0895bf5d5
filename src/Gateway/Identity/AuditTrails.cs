using Beadhub.Audit;
using Beadhub.Gateway.Requests;
using Orleans;

namespace Beadhub.Gateway.Identity;

/// <summary>Notes deeds: an event in the project's audit trail and one line in the log, at level info.</summary>
internal sealed partial class AuditTrails(IGrainFactory grains, TimeProvider time, ILogger<AuditTrails> logger)
{
    private const int MaxText = 200;

    /// <summary>Notes that a request was carried out.</summary>
    /// <param name="http">The request.</param>
    /// <param name="action">What it does.</param>
    /// <param name="caller">Who asked, in any of the forms that callers have.</param>
    public async Task Note(HttpContext http, string action, object? caller)
    {
        var deed = http.Items.TryGetValue(typeof(Deed), out var said) ? (Deed)said! : new Deed();
        // A request may turn out to change nothing.
        if (deed.IsNone) return;
        var who = caller switch
        {
            ProjectIdentity identity => identity,
            KeyAgent key => key.Who,
            Actor actor => actor.Who,
            _ => null,
        };
        var (by, id, alias) = who switch
        {
            _ when deed.AgentId is { } agent => (AuditCallers.Agent, agent, deed.Alias),
            { UserId: { } user } => (AuditCallers.User, user, null),
            { AgentId: { } agent } => (AuditCallers.Agent, agent, who.Standing.Agent?.Alias),
            { } => (AuditCallers.Stranger, null, (string?)null),
            null => (caller is Anybody ? AuditCallers.Administrator : AuditCallers.Stranger, null, null),
        };
        var route = http.Request.RouteValues;
        var project = deed.ProjectId ?? who?.ProjectId ?? route.GetValueOrDefault("projectId") as string ?? IAuditGrain.Instance;
        var target = deed.Target ?? route.Where(static part => part.Key != "projectId").Select(static part => part.Value as string)
            .FirstOrDefault();
        if (Names.TryNormalizeUuid(project, out var projectId)) project = projectId;
        await Note(project, new(action, by, id, alias, Short(target), Short(deed.Detail), 1, time.GetUtcNow()));
    }

    /// <summary>Notes a deed.</summary>
    public async Task Note(string projectId, AuditNoted deed)
    {
        LogDeed(logger, deed.Action, projectId, deed.Target, deed.By, deed.ByAlias ?? deed.ById, deed.Detail, deed.Count);
        await grains.GetGrain<IAuditGrain>(projectId).Note(deed);
    }

    private static string? Short(string? text) => text is null || text.Length <= MaxText ? text : text[..MaxText] + "…";

    [LoggerMessage(Level = LogLevel.Information,
        Message = "audit: {Action} in {Project}, target {Target}, by {By} {Who}: {Detail} ({Count})")]
    private static partial void LogDeed(
        ILogger logger, string action, string project, string? target, string by, string? who, string? detail, long count);
}

/// <summary>What a handler says of what it has done, where caller and path do not say it.</summary>
/// <param name="Target">Id of what it was done to.</param>
/// <param name="Detail">What there is to add; never a secret.</param>
/// <param name="ProjectId">The project.</param>
/// <param name="AgentId">The agent that did it.</param>
/// <param name="Alias">Its alias.</param>
/// <param name="IsNone">Whether nothing was done.</param>
internal sealed record Deed(
    string? Target = null, string? Detail = null, string? ProjectId = null, string? AgentId = null, string? Alias = null,
    bool IsNone = false);

/// <summary>Says what a request has done.</summary>
internal static class DeedExtensions
{
    /// <summary>Says what the request has done.</summary>
    public static void Deed(this HttpContext http, Deed deed) => http.Items[typeof(Deed)] = deed;
}
