using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;

namespace Beadhub.Gateway.Requests;

/// <summary>What the caller of a request must be. The documents say it, and no route is served that states none.</summary>
/// <param name="name">Name, for the documents.</param>
/// <param name="credentials">Whether credentials are asked for.</param>
internal abstract class Need(string name, Credentials credentials)
{
    public string Name => name;

    public Credentials Credentials => credentials;

    /// <summary>Whether the request must name a workspace (<see cref="INamesWorkspace"/>).</summary>
    public bool NamesWorkspace { get; init; }
}

/// <summary>Whether credentials are asked for.</summary>
internal enum Credentials
{
    /// <summary>Those that are sent are not looked at.</summary>
    Ignored,

    /// <summary>None are needed; those that are sent must be good.</summary>
    Optional,

    /// <summary>Without any the answer is 401.</summary>
    Required,
}

/// <summary>What the caller must be, and how it is found out.</summary>
internal sealed class Need<TCaller>(string name, Credentials credentials, Func<Identification, HttpContext, ValueTask<TCaller>> identify)
    : Need(name, credentials)
{
    /// <summary>Who asks.</summary>
    /// <exception cref="ApiException">The caller is not what is needed.</exception>
    public ValueTask<TCaller> Identify(Identification identification, HttpContext http) => identify(identification, http);

    /// <summary>Refuses a caller by what the request says, once its fields are known to be good.</summary>
    public Action<TCaller, object?>? Check { get; init; }
}

/// <summary>A request that names the workspace in whose name it is made.</summary>
internal interface INamesWorkspace
{
    /// <summary>The workspace; null for the caller's own.</summary>
    string? WorkspaceId { get; }
}

/// <summary>A caller of whom nothing is known, or wanted.</summary>
internal readonly struct Anybody;

/// <summary>The tenant, and the project if any, for which a gateway has signed.</summary>
internal readonly record struct SignedTenant(string? TenantId, string? ProjectId);

/// <summary>The agent behind a bearer key.</summary>
internal sealed record KeyAgent(ProjectIdentity Who, string AgentId) : IOfProject;

/// <summary>What callers can be asked to be.</summary>
internal static class Caller
{
    /// <summary>Anybody; credentials are not looked at.</summary>
    public static readonly Need<Anybody> Nobody = new("nobody", Credentials.Ignored, static (_, _) => default);

    /// <summary>Anybody; of a gateway that signs for a tenant it is known for which.</summary>
    public static readonly Need<SignedTenant> Tenant = new("nobody", Credentials.Optional, static (identification, http) =>
        new(identification.SignedTenantOf(http) is var (tenant, project) ? new SignedTenant(tenant, project) : default));

    /// <summary>Anybody; who sends credentials reads as their owner.</summary>
    public static readonly Need<ProjectIdentity?> ReaderIfAny = new("nobody", Credentials.Optional, static async (identification, http) =>
        Identification.HasCredentials(http) ? await identification.ReaderOf(http) : null);

    /// <summary>
    /// Who may read the project: its members, an agent that has ended while its key lives, and readers of a public project.
    /// </summary>
    public static readonly Need<ProjectIdentity> Reader =
        new("reader", Credentials.Required, static (identification, http) => identification.ReaderOf(http));

    /// <summary>Who may change the project: its members, and no agent that has ended.</summary>
    public static readonly Need<ProjectIdentity> Project =
        new("project", Credentials.Required, static (identification, http) => identification.WriterOf(http));

    /// <summary>Who leads the project: also its policy, webhooks, keys and roles, and what is others'.</summary>
    public static readonly Need<ProjectIdentity> Lead =
        new("lead", Credentials.Required, static (identification, http) => identification.LeadOf(http));

    /// <summary>Who may change what belongs to an agent: that agent, and who leads the project. The handler looks whose it is, by <see
    /// cref="ProjectIdentity.MustOwn"/>.</summary>
    public static readonly Need<ProjectIdentity> OwnerOrLead =
        new("owner-or-lead", Credentials.Required, static (identification, http) => identification.WriterOf(http));

    /// <summary>An agent of the project, as which the caller acts.</summary>
    public static readonly Need<Actor> Actor =
        new("actor", Credentials.Required, static (identification, http) => identification.ActorOf(http));

    /// <summary>Who may act as the workspace that the request names.</summary>
    public static readonly Need<ProjectIdentity> NamedWorkspace =
        new("workspace", Credentials.Required, static (identification, http) => identification.WriterOf(http))
    {
        NamesWorkspace = true,
        Check = MustBeNamed,
    };

    /// <summary>The same for who reads only.</summary>
    public static readonly Need<ProjectIdentity> NamedWorkspaceReader =
        new("workspace", Credentials.Required, static (identification, http) => identification.ReaderOf(http))
    {
        NamesWorkspace = true,
        Check = MustBeNamed,
    };

    /// <summary>The same for those whose workspace has ended: they are told so (contract 8.2).</summary>
    public static readonly Need<ProjectIdentity> NamedWorkspaceEvenEnded =
        new("workspace", Credentials.Required, static (identification, http) => identification.EvenEndedOf(http))
    {
        NamesWorkspace = true,
        Check = MustBeNamed,
    };

    /// <summary>Who may restore a workspace (contract 5.5).</summary>
    public static readonly Need<ProjectIdentity> Restorer =
        new("lead", Credentials.Required, static (identification, http) => identification.RestorerOf(http));

    /// <summary>The agent of a bearer key; signed headers are not enough (contract 1.6).</summary>
    public static readonly Need<KeyAgent> KeyAgent = new("key", Credentials.Required, static async (identification, http) =>
        await identification.AgentOf(http) is var (who, agentId) ? new KeyAgent(who, agentId) : null!);

    /// <summary>The holder of a bearer key that an agent has, whatever its role: of what concerns the key itself.</summary>
    public static readonly Need<KeyAgent> KeyHolder = new("key", Credentials.Required, static async (identification, http) =>
        await identification.AgentOf(http, evenObserver: true) is var (who, agentId) ? new KeyAgent(who, agentId) : null!);

    /// <summary>The same, of what only reads whatever its method: an archived project is read.</summary>
    public static readonly Need<KeyAgent> KeyReader = new("key", Credentials.Required, static async (identification, http) =>
        await identification.AgentOf(http, evenObserver: true, evenArchived: true) is var (who, agentId)
            ? new KeyAgent(who, agentId) : null!);

    /// <summary>An administrator.</summary>
    public static readonly Need<Anybody> Admin = new("admin", Credentials.Required, static (identification, http) =>
    {
        identification.MustBeAdmin(http);
        return default;
    });

    /// <summary>A reader of a project, unless the server is so open that none is needed.</summary>
    public static Need<ProjectIdentity?> ReaderUnless(bool isOpen) => isOpen
        ? ReaderIfAny
        : new(Reader.Name, Reader.Credentials, static async (identification, http) => await identification.ReaderOf(http));

    /// <summary>Who may change a project, unless the server is so open that none is needed; who sends credentials must be one.</summary>
    public static Need<ProjectIdentity?> ProjectUnless(bool isOpen) => isOpen
        ? new(Nobody.Name, Credentials.Optional, static async (identification, http) =>
            Identification.HasCredentials(http) ? await identification.WriterOf(http) : null)
        : new(Project.Name, Project.Credentials, static async (identification, http) => await identification.WriterOf(http));

    /// <summary>Who leads a project, unless the server is so open that none is needed; who sends credentials must lead.</summary>
    public static Need<ProjectIdentity?> LeadUnless(bool isOpen) => isOpen
        ? new(Nobody.Name, Credentials.Optional, static async (identification, http) =>
            Identification.HasCredentials(http) ? await identification.LeadOf(http) : null)
        : new(Lead.Name, Lead.Credentials, static async (identification, http) => await identification.LeadOf(http));

    /// <summary>A member of the project who reads: readers of a public project are told that they may not.</summary>
    /// <param name="what">What public readers may not do.</param>
    public static Need<ProjectIdentity> Member(string what) => new("member", Credentials.Required, async (identification, http) =>
        await identification.ReaderOf(http) is { Mode: not AuthMode.PublicReader } who
            ? who : throw ApiException.Forbidden($"Public readers may not {what}"));

    private static void MustBeNamed(ProjectIdentity who, object? request)
    {
        if (((INamesWorkspace)request!).WorkspaceId is { } id) who.MustBe(id);
    }
}
