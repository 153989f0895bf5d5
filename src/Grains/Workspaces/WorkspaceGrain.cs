using System.Text.Json.Serialization;
using Beadhub.EventLog;

namespace Beadhub.Workspaces;

/// <inheritdoc cref="IWorkspaceGrain"/>
public sealed class WorkspaceGrain(IEventLog log, TimeProvider time) : EventSourcedGrain<Workspace>(log), IWorkspaceGrain
{
    private static readonly Func<Workspace, Profile> ProfileOf = workspace => workspace.Profile;

    /// <inheritdoc/>
    public Task<Profile> Update(ProfilePatch patch) => Transact(workspace => workspace.Update(patch, time.Now()));

    /// <inheritdoc/>
    public ValueTask<Profile> Get() => Read(ProfileOf);
}

/// <summary>A workspace's own account of itself.</summary>
/// <param name="Profile">The profile.</param>
public sealed record Workspace(Profile Profile) : IEventSourced<Workspace>
{
    /// <inheritdoc/>
    public static Workspace Empty { get; } = new(new Profile("", null, null, null, null, null, null));

    // A snapshot at every append: a project's profiles are then read in one query.
    /// <inheritdoc/>
    public static StreamKind<Workspace> Kind { get; } =
        new("workspace", WorkspaceJson.Default.Workspace, SnapshotEvery: 1, key => key[..key.IndexOf('/')]);

    /// <summary>Id of the workspace in a grain's key.</summary>
    public static string IdOf(string key) => key[(key.IndexOf('/') + 1)..];

    /// <inheritdoc/>
    public Workspace Apply(IEvent @event) => @event is ProfileChanged e ? new(e.Profile) : this;

    /// <summary>Applies what is given and differs. The answer is the profile afterwards.</summary>
    public Decision<Profile> Update(ProfilePatch patch, DateTimeOffset now)
    {
        var patched = Patched(Profile, patch);
        if (patched == Profile) return Decision.None(Profile);

        // Times of a workspace only grow, whatever the clock does: they tell which of two profiles is the newer.
        patched = patched with { UpdatedAt = Profile.UpdatedAt is { } before && before >= now ? before.AddMicroseconds(1) : now };
        return Decision.Accept(patched, new ProfileChanged(patched));
    }

    /// <summary>The profile after a patch; its time is the one before.</summary>
    public static Profile Patched(Profile profile, ProfilePatch patch) => profile with
    {
        HumanName = patch.Replace ? patch.HumanName ?? "" : Given(patch.HumanName) ?? profile.HumanName,
        Role = patch.Replace ? Given(patch.Role) : Given(patch.Role) ?? profile.Role,
        Hostname = Place(profile.Hostname, patch.Hostname, patch),
        WorkspacePath = Place(profile.WorkspacePath, patch.WorkspacePath, patch),
        Branch = Given(patch.Branch) ?? profile.Branch,
        Timezone = Given(patch.Timezone) ?? profile.Timezone,
    };

    // Host name and folder: a registration sets them, a heartbeat only fills them in (contract 5.2, 5.3).
    private static string? Place(string? stored, string? sent, ProfilePatch patch) =>
        patch.Replace ? Given(sent)
        : patch.OnlyIfUnset ? stored ?? Given(sent)
        : Given(sent) ?? stored;

    private static string? Given(string? text) => text is "" ? null : text;
}

/// <summary>JSON of the snapshots of workspaces.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Workspace))]
internal sealed partial class WorkspaceJson : JsonSerializerContext;
