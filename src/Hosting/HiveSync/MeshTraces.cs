using System.Diagnostics;
using System.Globalization;
using Beadhub.HiveSync;

namespace Beadhub.Hosting.HiveSync;

/// <summary>
/// What this site does at others, as spans. The request carries the span's context, so what the other site does with it is in the same
/// trace; an event is followed from site to site by the group and the seq that the spans name.
/// </summary>
internal static class MeshTraces
{
    private static readonly ActivitySource Source = new("Beadhub.Mesh");

    /// <summary>Begins a span; null when nobody listens.</summary>
    public static Activity? Begin(string name, HiveSyncGroup group, ResolvedPeer peer, long since)
    {
        var span = Source.StartActivity(name, ActivityKind.Internal, default(ActivityContext));
        span?.SetTag("beadhub.mesh.group", group.Name);
        span?.SetTag("beadhub.mesh.peer", peer.Name);
        span?.SetTag("beadhub.mesh.since", since.ToString(CultureInfo.InvariantCulture));
        return span;
    }
}
