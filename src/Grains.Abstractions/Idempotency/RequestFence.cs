using Orleans.Runtime;

namespace Beadhub.Idempotency;

/// <summary>
/// The request with an <c>Idempotency-Key</c> that is being carried out. A node that stood still may be at a request that was meanwhile repeated at another node
/// and answered there, and its agent has gone on since: once there is an answer (<see cref="IIdempotentRequestGrain.Complete"/>), nothing is written for the request any more.
/// </summary>
public static class RequestFence
{
    private const string Name = "beadhub.request";

    /// <summary>The request for which the caller runs, as <see cref="IIdempotentRequestGrain.Key"/> names it; null when for none that can be repeated.</summary>
    public static string? Request => RequestContext.Get(Name) as string;

    /// <summary>Carries out a request. It is known to all that the request calls, on any node, and to nothing else.</summary>
    public static async Task During(string request, Func<Task> carryOut)
    {
        RequestContext.Set(Name, request);
        await carryOut();
    }
}
