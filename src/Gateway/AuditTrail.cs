using System.Collections.Immutable;
using Beadhub.Audit;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Requests;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/audit</c>: who has changed what others may do, what was deleted, and refused logins.</summary>
internal sealed class AuditTrail(IGrainFactory grains)
{
    private static readonly Field<string> Project = InPath.Uuid("projectId", "Id of the project");
    private static readonly Field<int?> Before = InQuery.OptionalInteger("before", "Only deeds with a smaller number", 1, int.MaxValue);
    private static readonly Field<int> Limit = InQuery.Limit(50, 500);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<AuditTrail>();
        routes.Map(
            new RequestGroup("/v1/audit", "audit", "Who has changed what others may do, and what was deleted")
                .Get("", "readAudit", "The project's deeds, newest first; for those who lead it").Needs(Caller.Lead)
                .Takes(Before, Limit)
                .Bind(static fields => (Before: fields.Get(Before), Limit: fields.Get(Limit)))
                .Answers(Wire.Types.AuditAnswer),
            (query, who) => endpoints.Read(who.ProjectId, query.Before, query.Limit));
        routes.Map(
            new RequestGroup("/v1/projects/{projectId}/audit", "audit", "Who has changed what others may do, and what was deleted")
                .Get("", "readAuditOfProject", "A project's deeds, newest first; for administrators").Needs(Caller.Admin)
                .Takes(Project, Before, Limit)
                .Bind(static fields => (ProjectId: fields.Get(Project), Before: fields.Get(Before), Limit: fields.Get(Limit)))
                .Answers(Wire.Types.AuditAnswer),
            async (query, _) => await endpoints.Exists(query.ProjectId)
                ? await endpoints.Read(query.ProjectId, query.Before, query.Limit)
                : throw ApiException.NotFound("Project not found"));
        routes.Map(
            new RequestGroup("/v1/instance/audit", "audit", "Who has changed what others may do, and what was deleted")
                .Get("", "readAuditOfInstance",
                    "Deeds that belong to no project, refused logins among them, newest first; for administrators")
                .Needs(Caller.Admin)
                .Takes(Before, Limit)
                .Bind(static fields => (Before: fields.Get(Before), Limit: fields.Get(Limit)))
                .Answers(Wire.Types.AuditAnswer),
            (query, _) => endpoints.Read(IAuditGrain.Instance, query.Before, query.Limit));
    }

    private async Task<bool> Exists(string projectId) => await grains.GetGrain<IProjectGrain>(projectId).Details() is not null;

    private async Task<AuditAnswer> Read(string trail, int? before, int limit)
    {
        var page = await grains.GetGrain<IAuditGrain>(trail).Read(before, limit);
        return new(
            [.. page.Items.Select(static item => new AuditEntry(item.Number, item.Deed.At, item.Deed.Action, item.Deed.By, item.Deed.ById,
                item.Deed.ByAlias, item.Deed.Target, item.Deed.Detail, item.Deed.Count))],
            page.HasMore);
    }
}

/// <summary>Deeds, newest first.</summary>
internal sealed record AuditAnswer(ImmutableArray<AuditEntry> Entries, bool HasMore);

/// <summary>One of them.</summary>
/// <param name="Number">Its number, by which one reads on.</param>
/// <param name="At">When.</param>
/// <param name="Action">What was done.</param>
/// <param name="By">agent, user, administrator or stranger.</param>
/// <param name="ById">Id of the agent or user.</param>
/// <param name="ByAlias">Alias of the agent.</param>
/// <param name="Target">Id of what it was done to.</param>
/// <param name="Detail">What there is to add.</param>
/// <param name="Count">How often.</param>
internal sealed record AuditEntry(long Number, DateTimeOffset At, string Action, string By, string? ById, string? ByAlias, string? Target,
    string? Detail, long Count);
