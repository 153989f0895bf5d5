using System.Collections.Immutable;
using Beadhub.EventLog;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Projects;

/// <inheritdoc cref="IProjectsGrain"/>
[StatelessWorker]
public sealed class ProjectsGrain(IEventLog log) : Grain, IProjectsGrain
{
    // So many are read at a time; concurrent reads share a query.
    private const int Batch = 100;

    /// <inheritdoc/>
    public async ValueTask<ProjectPage> List(ProjectsQuery query)
    {
        var ids = (await log.Keys(Project.Kind.Name)).Where(id => query.After is null || string.CompareOrdinal(id, query.After) > 0)
            .Order(StringComparer.Ordinal);
        var found = ImmutableArray.CreateBuilder<ProjectDetails>();
        foreach (var batch in ids.Chunk(Batch))
        {
            foreach (var stored in await Task.WhenAll(batch.Select(id => log.Load(new(Project.Kind.Name, id)).AsTask())))
            {
                if (stored.Fold<Project>().Details() is not { } project || !Matches(project, query)) continue;
                if (found.Count == query.Limit) return new(found.ToImmutable(), HasMore: true);
                found.Add(project);
            }
        }

        return new(found.ToImmutable(), HasMore: false);
    }

    private static bool Matches(ProjectDetails project, ProjectsQuery query) =>
        (query.TenantId is null || query.TenantId == project.TenantId)
            && (query.Archived is null || query.Archived == project.ArchivedAt is not null);
}
