using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using Beadhub.Gateway.HiveSync;

namespace Beadhub.Silo.Doctor;

/// <summary>Whether the sites of <c>BEADHUB_SYNC_PEERS</c> are reached, and how their clocks differ: what two sites have changed at the
/// same time is ordered by the origins' clocks, and an event that is more than five minutes ahead is held.</summary>
internal static class MeshChecks
{
    private const string Remedy = "Start it, or correct BEADHUB_SYNC_PEERS and the way there.";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    public static async IAsyncEnumerable<Finding> Run(MeshSettings mesh, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (!mesh.Enabled || mesh.Peers.IsEmpty) yield break;
        using var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false }) { Timeout = Patience };
        foreach (var peer in mesh.Peers)
        {
            Finding found;
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, $"{peer.Endpoint}/heartbeat");
                request.Content = new StringContent("{}", new MediaTypeHeaderValue("application/json"));
                var sent = DateTimeOffset.UtcNow;
                // Refused, as it has no token: the answer says what time it is there all the same.
                using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
                var between = sent + ((DateTimeOffset.UtcNow - sent) / 2);
                found = answer.Headers.Date is { } date ? Of(peer.Name, date, between)
                    : Finding.Ok("mesh", $"{peer.Name} is reached, and does not say what time it is");
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !cancellation.IsCancellationRequested)
            {
                var why = e is HttpRequestException ? e.Message : $"no answer within {Patience.TotalSeconds} s";
                found = Finding.Warn("mesh", $"{peer.Name} is not reached: {why}", Remedy);
            }

            yield return found;
        }
    }

    // Whole seconds are told: half of one is taken off the doubt on either side.
    private static Finding Of(string peer, DateTimeOffset told, DateTimeOffset now)
    {
        var ahead = told.AddSeconds(0.5) - now;
        return ClockFinding.Of(peer, ahead.Duration() <= TimeSpan.FromSeconds(1) ? TimeSpan.Zero : ahead);
    }
}
