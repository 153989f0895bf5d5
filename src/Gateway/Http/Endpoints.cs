using Beadhub.Gateway.OpenApi;
using Beadhub.Gateway.Requests;

namespace Beadhub.Gateway.Http;

/// <summary>
/// Endpoints are methods of one object a resource, which gets what it needs once: nothing is looked up in the container, and nothing is bound,
/// on a request. Methods read what they need from the request themselves, since what is wrong with it has to be said in the contract's words.
/// </summary>
internal static class Endpoints
{
    /// <summary>The object whose methods serve a resource.</summary>
    public static T Make<T>(this IEndpointRouteBuilder routes) => ActivatorUtilities.CreateInstance<T>(routes.ServiceProvider);

    public static IEndpointConventionBuilder Get<T>(this IEndpointRouteBuilder routes, string pattern, Func<HttpContext, Task<T>> handler) where T : IResult =>
        routes.MapGet(pattern, Run(routes, handler)).Describe(handler);

    public static IEndpointConventionBuilder Post<T>(this IEndpointRouteBuilder routes, string pattern, Func<HttpContext, Task<T>> handler) where T : IResult =>
        routes.MapPost(pattern, Run(routes, handler)).Describe(handler);

    public static IEndpointConventionBuilder Patch<T>(this IEndpointRouteBuilder routes, string pattern, Func<HttpContext, Task<T>> handler) where T : IResult =>
        routes.MapPatch(pattern, Run(routes, handler)).Describe(handler);

    public static IEndpointConventionBuilder Put<T>(this IEndpointRouteBuilder routes, string pattern, Func<HttpContext, Task<T>> handler) where T : IResult =>
        routes.MapPut(pattern, Run(routes, handler)).Describe(handler);

    public static IEndpointConventionBuilder Delete<T>(this IEndpointRouteBuilder routes, string pattern, Func<HttpContext, Task<T>> handler) where T : IResult =>
        routes.MapDelete(pattern, Run(routes, handler)).Describe(handler);

    /// <summary>
    /// Documents an endpoint: its summary and the statuses with which it refuses. 401 says that it wants to know who asks. What follows from that, from its
    /// method and from what it reads is added by <see cref="OperationFields"/>.
    /// </summary>
    public static IEndpointConventionBuilder Says(this IEndpointConventionBuilder endpoint, string summary, params ReadOnlySpan<int> refusals)
    {
        endpoint.WithSummary(summary).WithMetadata(Caller.Nobody);
        foreach (var status in refusals) endpoint.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(ErrorDetail), [Wire.Json]));
        return endpoint;
    }

    /// <summary>An endpoint that answers with server-sent events.</summary>
    public static IEndpointConventionBuilder Stream(this IEndpointRouteBuilder routes, string pattern, Func<HttpContext, Task> handler) =>
        routes.MapGet(pattern, new RequestDelegate(handler))
            .WithMetadata(handler.Method, new DryRun(handler), new ProducesResponseTypeMetadata(200, typeof(string), ["text/event-stream"]));

    /// <summary>Documents the body of a success, where the type of the handler's result does not say it.</summary>
    public static IEndpointConventionBuilder Answers<T>(this IEndpointConventionBuilder endpoint) =>
        endpoint.WithMetadata(new ProducesResponseTypeMetadata(200, typeof(T), [Wire.Json]));

    /// <summary>Documents the body of a refusal that has more than a <c>detail</c>.</summary>
    public static IEndpointConventionBuilder Refuses<T>(this IEndpointConventionBuilder endpoint, int status) =>
        endpoint.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(T), [Wire.Json]));

    /// <summary>A part of the path.</summary>
    public static string PathPart(this HttpContext http, string name) =>
        http.Request.RouteValues.TryGetValue(name, out var part) ? (string)part! : throw new NotedException();

    private static RequestDelegate Run<T>(IEndpointRouteBuilder routes, Func<HttpContext, Task<T>> handler) where T : IResult
    {
        RequestDelegate run = http =>
        {
            var answered = handler(http);
            return answered.IsCompletedSuccessfully ? answered.Result.ExecuteAsync(http) : Wait(answered, http);
        };
        return routes.ServiceProvider.GetRequiredService<GatewaySettings>().Cluster ? http => ReadBarrier.During(() => run(http)) : run;

        static async Task Wait(Task<T> answered, HttpContext http) => await (await answered).ExecuteAsync(http);
    }

    // The documents look for the method of an endpoint; an answer says of what type it is.
    private static IEndpointConventionBuilder Describe<T>(this IEndpointConventionBuilder endpoint, Func<HttpContext, Task<T>> handler)
    {
        endpoint.WithMetadata(handler.Method, new DryRun(handler));
        if (typeof(T) is { IsGenericType: true } answer) endpoint.WithMetadata(new ProducesResponseTypeMetadata(200, answer.GetGenericArguments()[0], [Wire.Json]));
        return endpoint;
    }
}
