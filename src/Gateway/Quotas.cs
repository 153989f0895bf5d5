using System.Collections.Concurrent;
using Beadhub.Boards;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Gateway.Streaming;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>/v1/projects/{id}/quotas</c>: how much a project may hold, and how much it does.</summary>
internal sealed class Quotas(IGrainFactory grains, QuotaChecks checks, EventStreams streams)
{
    private static readonly Field<long?> Beads = Limit("beads", "Most issues on the board");
    private static readonly Field<long?> Mail = Limit("mail", "Most mails and chat messages in the project's log");
    private static readonly Field<long?> Streams = Limit("streams", "Most event streams open at a time, of all its agents, on a node");
    private static readonly Field<long?> Bytes = Limit("bytes", "Most bytes of the project's events in the log");

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Quotas>();
        var requests = new RequestGroup("/v1/projects", "projects", "The caller's project and, for administrators, all of them");
        routes.Map(
            requests.Get("/current/quotas", "getOwnQuotas", "How much the caller's project may hold, and how much it does")
                .Needs(Caller.Reader)
                .Answers(Wire.Types.QuotasAnswer),
            who => endpoints.Get(who.ProjectId));
        routes.Map(
            requests.Get("/{projectId}/quotas", "getQuotas", "How much a project may hold, and how much it does; for administrators")
                .Needs(Caller.Admin).Takes(Projects.Id)
                .Bind(static fields => fields.Get(Projects.Id))
                .Answers(Wire.Types.QuotasAnswer),
            (id, _) => endpoints.Get(id));
        routes.Map(
            requests.Put("/{projectId}/quotas", "setQuotas",
                "Give a project quotas of its own: what is left out is the server's setting, 0 is no limit; for administrators")
                .Needs(Caller.Admin).Audited("project.quotas_set")
                .TakesOnly(Projects.Id, Beads, Mail, Streams, Bytes)
                .Bind(static fields => (Id: fields.Get(Projects.Id),
                    Own: new ProjectQuotas(fields.Get(Beads), fields.Get(Mail), fields.Get(Streams), fields.Get(Bytes))))
                .Answers(Wire.Types.QuotasAnswer),
            (request, _) => endpoints.Set(request.Id, request.Own));
    }

    private async Task<QuotasAnswer> Set(string id, ProjectQuotas own)
    {
        await grains.GetGrain<IProjectGrain>(id).SetQuotas(own);
        return await Get(id);
    }

    private async Task<QuotasAnswer> Get(string id)
    {
        var project = grains.GetGrain<IProjectGrain>(id);
        if (await project.Details() is null) throw ApiException.NotFound("Project not found");
        var (quotas, size) = (await project.Quotas(), await checks.SizeOf(id));
        var beads = (await grains.GetGrain<IBoardGrain>(id).Places()).Sum(static place => (long)place.Count);
        return new(id, new(quotas.Beads, beads), new(quotas.Mail, size.Mail), new(quotas.Streams, streams.OpenOf(id)),
            new(quotas.Bytes, size.Bytes));
    }

    private static Field<long?> Limit(string name, string description) => InBody.Of<long?>(
        name, Schemas.Integer(description + "; 0 for no limit, left out for the server's setting", 0, int.MaxValue), required: false,
        fields => fields.Body.AtLeast(name, 0, -1) is >= 0 and var number ? number : null);
}

/// <summary>What a write adds to, that may have a quota.</summary>
internal enum Adding
{
    /// <summary>Content of any kind.</summary>
    Content,

    /// <summary>A mail or a chat message.</summary>
    Mail,
}

/// <summary>
/// Refuses writes for which a project's quotas of mail and bytes have no room. How much there is follows from the log, and is looked at
/// again when that is a second old, and for each write near the limit: what is written at the same moment may pass it.
/// </summary>
internal sealed class QuotaChecks(IProjectSizes sizes, TimeProvider time)
{
    private const int MostProjects = 10_000;

    // More than what all nodes may write of it before the next look.
    private const long NearBytes = 64 * 1024 * 1024;
    private const long NearMail = 10_000;

    private static readonly TimeSpan Trusted = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, Known> _known = new(StringComparer.Ordinal);

    private sealed record Known(ProjectHolding Holding, long LookedAt);

    /// <summary>Refuses a write that adds to what is used up.</summary>
    /// <param name="who">Who writes.</param>
    /// <param name="adding">What is added.</param>
    /// <exception cref="RefusedException">A quota is used up.</exception>
    public ValueTask MustFit(ProjectIdentity who, Adding adding) =>
        who.Standing.Quotas is { } quotas && (quotas.Bytes is not null || adding == Adding.Mail && quotas.Mail is not null)
            ? MustFit(who.ProjectId, quotas, adding) : default;

    /// <summary>What a project holds.</summary>
    public async ValueTask<ProjectHolding> SizeOf(string project)
    {
        var before = _known.GetValueOrDefault(project)?.Holding ?? ProjectHolding.Nothing;
        var lookedAt = time.GetTimestamp();
        var after = before.Plus(await sizes.Read(project, before.Position));
        // Forgotten ones are added up again.
        if (_known.Count > MostProjects) _known.Clear();
        // Another look may have gone further meanwhile.
        return _known.AddOrUpdate(project, new Known(after, lookedAt),
            (_, other) => other.Holding.Position > after.Position ? other : new(after, lookedAt)).Holding;
    }

    private async ValueTask MustFit(string project, ProjectQuotas quotas, Adding adding)
    {
        var holding = _known.GetValueOrDefault(project) is { } known && time.GetElapsedTime(known.LookedAt) < Trusted
            && !(quotas.Bytes - known.Holding.Bytes < NearBytes) && !(quotas.Mail - known.Holding.Mail < NearMail)
                ? known.Holding : await SizeOf(project);
        if (holding.Bytes >= quotas.Bytes) throw ProjectQuotas.Exceeded("bytes", quotas.Bytes.Value, holding.Bytes);
        if (adding == Adding.Mail && holding.Mail >= quotas.Mail)
            throw ProjectQuotas.Exceeded("mails and chat messages", quotas.Mail.Value, holding.Mail);
    }
}

/// <summary>What projects take in the log.</summary>
internal interface IProjectSizes
{
    /// <summary>What a project's events take from a position on.</summary>
    ValueTask<ProjectHolding> Read(string project, long after);
}

/// <summary>What a project's events take.</summary>
/// <param name="Position">The newest that is counted.</param>
/// <param name="Bytes">Bytes of their data.</param>
/// <param name="Mail">Mails and chat messages among them.</param>
internal sealed record ProjectHolding(long Position, long Bytes, long Mail)
{
    /// <summary>No events.</summary>
    public static readonly ProjectHolding Nothing = new(0, 0, 0);

    /// <summary>These and what came later.</summary>
    public ProjectHolding Plus(ProjectHolding later) => new(later.Position, Bytes + later.Bytes, Mail + later.Mail);
}

/// <summary>What a project may hold and does.</summary>
/// <param name="ProjectId">The project.</param>
/// <param name="Beads">Issues on the board.</param>
/// <param name="Mail">Mails and chat messages.</param>
/// <param name="Streams">Event streams open on the node that was asked.</param>
/// <param name="Bytes">Bytes of events.</param>
internal sealed record QuotasAnswer(string ProjectId, QuotaUse Beads, QuotaUse Mail, QuotaUse Streams, QuotaUse Bytes);

/// <summary>A quota and what is used of it.</summary>
/// <param name="Quota">The limit; null for none.</param>
/// <param name="Used">What there is.</param>
internal sealed record QuotaUse(long? Quota, long Used);
