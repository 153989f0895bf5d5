using System.Collections.Immutable;
using Beadhub.EventLog;
using Beadhub.Projects;

namespace Beadhub.Grains.Tests.Projects;

/// <summary>What happens to one project, decision by decision; a second passes before each.</summary>
internal sealed class Story
{
    public const string ProjectId = "10000000-0000-0000-0000-000000000000";

    public static readonly Origin RepoA = new("git@github.com:test/repo-a.git", "github.com/test/repo-a");
    public static readonly Origin RepoB = new("https://github.com/test/repo-b", "github.com/test/repo-b");

    private int _ids;

    public Project Project { get; private set; } = Project.Empty;

    public DateTimeOffset Now { get; private set; } = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>Events of the last decision.</summary>
    public ImmutableArray<IEvent> Events { get; private set; } = [];

    public Initialized Init(string? alias = null, Origin? origin = null, string role = "agent", string type = "agent",
        string? slug = "demo", string name = "") =>
        Do((project, now) => project.Init(ProjectId, Command(alias, origin, role, type, slug, name), Fresh(), now));

    public static InitAgent Command(
        string? alias = null, Origin? origin = null, string role = "agent", string type = "agent", string? slug = "demo",
        string name = "") =>
        new(slug, name, alias, HumanName: "Ann", type, Lifetime: "ephemeral", origin, role, Hostname: "", WorkspacePath: "");

    public T Do<T>(Func<Project, DateTimeOffset, Decision<T>> decide)
    {
        Now += TimeSpan.FromSeconds(1);
        var decision = decide(Project, Now);
        Events = decision.Events.IsDefault ? [] : decision.Events;
        Project = Events.Aggregate(Project, (project, e) => project.Apply(e));
        return decision.Result;
    }

    /// <summary>The decision must be refused; nothing happens then.</summary>
    public RefusedException Refused<T>(Func<Project, DateTimeOffset, Decision<T>> decide) =>
        Should.Throw<RefusedException>(() => decide(Project, Now + TimeSpan.FromSeconds(1)));

    public FreshIdentity Fresh() => new(NextId("a"), NextId("b"), new($"did:key:z{_ids}", $"key-{_ids}"));

    public string NextId(string kind) => $"{kind}{++_ids:0000000}-0000-0000-0000-000000000000";
}
