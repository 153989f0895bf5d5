using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.EventLog;

namespace Beadhub.Policies;

/// <summary>The versions of a project's policy and which is in force (contract 10). Bundles are large and stay in the log.</summary>
/// <param name="Versions">Oldest first.</param>
/// <param name="ActiveId">The one in force; null before anybody asked.</param>
public sealed record Policies(ImmutableArray<PolicyVersion> Versions, string? ActiveId) : IEventSourced<Policies>
{
    /// <inheritdoc/>
    public static Policies Empty { get; } = new([], null);

    // A small snapshot at every append: the events after an older one would each bring a bundle along.
    /// <inheritdoc/>
    public static StreamKind<Policies> Kind { get; } = new("policies", PoliciesJson.Relaxed.Policies, SnapshotEvery: 1, key => key);

    private int Next => Versions.IsEmpty ? 1 : Versions[^1].Version + 1;

    /// <inheritdoc/>
    public Policies Apply(IEvent @event) => @event switch
    {
        PolicyCreated e => this with { Versions = Versions.Add(new(e.PolicyId, e.Version, e.At, e.CreatedBy)) },
        PolicyActivated e => this with { ActiveId = e.PolicyId },
        _ => this,
    };

    /// <summary>The version of this id; null when there is none.</summary>
    public PolicyVersion? Find(string policyId) => Versions.FirstOrDefault(version => version.Id == policyId);

    /// <summary>The versions, newest first.</summary>
    public ImmutableArray<PolicyLine> History(int limit) => [.. Versions.Reverse().Take(limit).Select(version => version.Line(ActiveId))];

    /// <summary>Makes the default the first version, unless a version is in force.</summary>
    public Decision<bool> Seed(string policyId, string bundle, DateTimeOffset now) =>
        ActiveId is not null ? Decision.None(false) : Activated(new PolicyCreated(policyId, Next, bundle, null, true, now), true, now);

    /// <summary>Stores a version. The same id again is a repeat.</summary>
    public Decision<PolicyLine> Create(CreatePolicy command, DateTimeOffset now)
    {
        if (Find(command.PolicyId) is { } known) return Decision.None(known.Line(ActiveId));
        if (command.BasePolicyId is { } based && based != ActiveId)
            throw new RefusedException(RefusalKind.Conflict,
                $"Policy conflict: base_policy_id {based} is not the active policy {ActiveId ?? "none"}");
        var created = new PolicyCreated(command.PolicyId, Next, command.Bundle, command.CreatedBy, false, now);
        if (command.Activate)
            return Activated(created, new PolicyLine(command.PolicyId, created.Version, now, command.CreatedBy, true), now);
        return new([created], new PolicyLine(command.PolicyId, created.Version, now, command.CreatedBy,
            false)) { Mark = MarkOf(command.PolicyId) };
    }

    /// <summary>Puts a version in force. The answer is whether there is such a version.</summary>
    public Decision<bool> Activate(string policyId, DateTimeOffset now) =>
        Find(policyId) is null ? Decision.None(false)
        : ActiveId == policyId ? Decision.None(true)
        : Decision.Accept(true, new PolicyActivated(policyId, ActiveId, now));

    /// <summary>Stores the default as a new version and puts it in force. The same id again is a repeat.</summary>
    public Decision<PolicyLine> Reset(string policyId, string bundle, string? createdBy, DateTimeOffset now)
    {
        if (Find(policyId) is { } known) return Decision.None(known.Line(ActiveId));
        var created = new PolicyCreated(policyId, Next, bundle, createdBy, true, now);
        return Activated(created, new PolicyLine(policyId, created.Version, now, createdBy, true), now);
    }

    /// <summary>The mark by which a version's event is found.</summary>
    internal static string MarkOf(string policyId) => $"policy/{policyId}";

    private Decision<T> Activated<T>(PolicyCreated created, T result, DateTimeOffset now) =>
        new([created, new PolicyActivated(created.PolicyId, ActiveId, now)], result) { Mark = MarkOf(created.PolicyId) };
}

/// <summary>What the state keeps of a version: everything but its bundle.</summary>
public sealed record PolicyVersion(string Id, int Version, DateTimeOffset CreatedAt, string? CreatedBy)
{
    internal PolicyLine Line(string? activeId) => new(Id, Version, CreatedAt, CreatedBy, Id == activeId);
}

/// <summary>JSON of the snapshots of policies.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Policies))]
[JsonSerializable(typeof(PolicyLine))]
internal sealed partial class PoliciesJson : JsonSerializerContext
{
    /// <summary>Leaves text readable: nothing here is ever put into HTML.</summary>
    public static PoliciesJson Relaxed =>
        field ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
