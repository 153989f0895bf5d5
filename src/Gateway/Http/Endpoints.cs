namespace Beadhub.Gateway.Http;

/// <summary>Endpoints are methods of one object a resource, which gets what it needs once: nothing is looked up in the container on a request.</summary>
internal static class Endpoints
{
    /// <summary>The object whose methods serve a resource.</summary>
    public static T Make<T>(this IEndpointRouteBuilder routes) => ActivatorUtilities.CreateInstance<T>(routes.ServiceProvider);
}
