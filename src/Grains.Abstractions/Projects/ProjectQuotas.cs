using Orleans;

namespace Beadhub.Projects;

/// <summary>
/// How much a project may hold; null for no limit. What a quota stops is refused with 403 and changes nothing; reading, giving back,
/// closing, acknowledging and deleting go on.
/// </summary>
/// <param name="Beads">Issues on the board. Those that are there stay changeable at the limit.</param>
/// <param name="Mail">Mails and chat messages in the project's log.</param>
/// <param name="Streams">Event streams that all its agents together may have open at a time on a node.</param>
/// <param name="Bytes">Bytes of the project's events in the log, without indexes and snapshots.</param>
[GenerateSerializer, Immutable, Alias("project.quotas.v1")]
public sealed record ProjectQuotas(
    [property: Id(0)] long? Beads = null,
    [property: Id(1)] long? Mail = null,
    [property: Id(2)] long? Streams = null,
    [property: Id(3)] long? Bytes = null)
{
    /// <summary>No limits.</summary>
    public static ProjectQuotas None { get; } = new();

    /// <summary>Whether anything is limited.</summary>
    public bool LimitsAnything => (Beads ?? Mail ?? Streams ?? Bytes) is not null;

    /// <summary>These, with those of a project in their place: null leaves the server's, 0 lifts it.</summary>
    public ProjectQuotas With(ProjectQuotas? own) =>
        own is null ? this : new(Of(Beads, own.Beads), Of(Mail, own.Mail), Of(Streams, own.Streams), Of(Bytes, own.Bytes));

    /// <summary>The refusal of what a quota stops.</summary>
    /// <param name="what">What is limited, in the plural.</param>
    /// <param name="most">The limit.</param>
    /// <param name="used">What there is.</param>
    public static RefusedException Exceeded(string what, long most, long used) => new(RefusalKind.Forbidden,
        $"The project's quota of {most} {what} is used up: it has {used}. Ask the server's administrator for more.");

    private static long? Of(long? everybody, long? own) => own is null ? everybody : own == 0 ? null : own;
}

/// <summary>A project has quotas of its own: null for the server's, 0 for none.</summary>
[GenerateSerializer, Immutable, Alias("project.quotas_set.v1")]
public sealed record ProjectQuotasSet([property: Id(0)] ProjectQuotas Quotas, [property: Id(1)] DateTimeOffset At) : IEvent;
