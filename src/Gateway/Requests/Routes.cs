using System.Collections.Immutable;
using Beadhub.Gateway.Identity;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Beadhub.Gateway.Requests;

/// <summary>
/// Serves declared requests: binds the fields, tells what is wrong with them (422), finds out who asks (401), and hands both to the
/// handler.
/// Nothing is looked up in the container, and nothing is reflected upon, on a request.
/// </summary>
internal static class Routes
{
    /// <summary>The object whose methods serve a resource: it gets what it needs once.</summary>
    public static T Make<T>(this IEndpointRouteBuilder routes) => ActivatorUtilities.CreateInstance<T>(routes.ServiceProvider);

    /// <summary>Serves a request by a handler that gets the request and the caller.</summary>
    public static void Map<TRequest, TCaller, TResult>(
        this IEndpointRouteBuilder routes, RequestDeclaration<TRequest, TCaller, TResult> declaration,
        Func<TRequest, TCaller, Task<TResult>> handler) =>
        routes.Map(declaration, (request, caller, _) => handler(request, caller));

    /// <summary>Serves a request without fields by a handler that gets the caller.</summary>
    public static void Map<TCaller, TResult>(
        this IEndpointRouteBuilder routes, RequestDeclaration<Nothing, TCaller, TResult> declaration,
        Func<TCaller, Task<TResult>> handler) =>
        routes.Map(declaration, (_, caller, _) => handler(caller));

    /// <summary>
    /// The same for a handler that needs more of the request, for example ids that follow from its <c>Idempotency-Key</c>.
    /// </summary>
    public static void Map<TCaller, TResult>(
        this IEndpointRouteBuilder routes, RequestDeclaration<Nothing, TCaller, TResult> declaration,
        Func<TCaller, HttpContext, Task<TResult>> handler) =>
        routes.Map(declaration, (_, caller, http) => handler(caller, http));

    /// <summary>Serves a request by a handler that needs more of it than its fields.</summary>
    /// <param name="routes">Where.</param>
    /// <param name="declaration">The request.</param>
    /// <param name="handler">Carries it out.</param>
    /// <param name="around">What comes before even the body is read, and runs the rest; null for nothing.</param>
    /// <exception cref="InvalidOperationException">The declaration contradicts itself.</exception>
    public static void Map<TRequest, TCaller, TResult>(
        this IEndpointRouteBuilder routes,
        RequestDeclaration<TRequest, TCaller, TResult> declaration,
        Func<TRequest, TCaller, HttpContext, Task<TResult>> handler,
        Func<HttpContext, RequestDelegate, Task>? around = null)
    {
        var services = routes.ServiceProvider;
        var unread = Unread(declaration);
        var endpoint = new Endpoint<TRequest, TCaller, TResult>(
            declaration, handler, services.GetRequiredService<Identification>(), services.GetRequiredService<AuditTrails>(),
            services.GetRequiredService<QuotaChecks>(), unread);
        RequestDelegate run = endpoint.Run;
        if (around is not null) run = http => around(http, endpoint.Run);
        if (services.GetRequiredService<GatewaySettings>().Cluster)
        {
            var alone = run;
            run = http => ReadBarrier.During(() => alone(http));
        }

        var shape = declaration.Shape;
        var route = routes.MapMethods(shape.Path, [shape.Method], run).WithMetadata(shape, shape.Need, run.Method)
            .WithTags(shape.Group.Name).WithSummary(shape.Summary);
        foreach (var response in shape.Responses)
            route.WithMetadata(new ProducesResponseTypeMetadata(response.Status, response.Body, response.Body == typeof(void)
                ? [] : [response.MediaType]));
    }

    /// <summary>States what the caller of an endpoint must be that is no declared request, as a page.</summary>
    public static IEndpointConventionBuilder Needs(this IEndpointConventionBuilder endpoint, Need need) => endpoint.WithMetadata(need);

    /// <summary>Refuses to serve routes that do not state what their caller must be.</summary>
    /// <exception cref="InvalidOperationException">One of them does not.</exception>
    public static void MustStateNeeds(this IEndpointRouteBuilder routes)
    {
        foreach (var endpoint in routes.DataSources.SelectMany(source => source.Endpoints))
            if (endpoint.Metadata.GetMetadata<Need>() is null)
                throw new InvalidOperationException($"{endpoint.DisplayName} does not say what its caller must be.");
    }

    /// <summary>The declared fields that binding does not ask for, which are checked all the same.</summary>
    private static ImmutableArray<Field> Unread<TRequest, TCaller, TResult>(RequestDeclaration<TRequest, TCaller, TResult> declaration)
    {
        var shape = declaration.Shape;
        var asked = new HashSet<Field>();
        using var probe = new RequestFields(asked);
        declaration.Bind(probe);
        var parts = RoutePatternFactory.Parse(shape.Path).Parameters.Select(part => part.Name);
        var problem = asked.Except(shape.Fields).FirstOrDefault() is { } other ? $"asks for {other.Name}, which it does not take"
            : !parts.ToHashSet().SetEquals(shape.Fields.Where(f => f.Place == Place.Path).Select(f => f.Name))
                ? "does not take the parts of its path"
            : shape.Need.NamesWorkspace && !typeof(TRequest).IsAssignableTo(typeof(INamesWorkspace))
                ? "does not say which workspace it names"
            : shape.Adds is not null && !typeof(TCaller).IsAssignableTo(typeof(IOfProject)) ? "adds to a project, and its caller is of none"
            : null;
        if (problem is not null) throw new InvalidOperationException($"{shape.Method} {shape.Path} {problem}.");
        return [.. shape.Fields.Where(f => !asked.Contains(f))];
    }

    private sealed class Endpoint<TRequest, TCaller, TResult>(
        RequestDeclaration<TRequest, TCaller, TResult> declaration,
        Func<TRequest, TCaller, HttpContext, Task<TResult>> handler,
        Identification identification,
        AuditTrails audit,
        QuotaChecks quotas,
        ImmutableArray<Field> unread)
    {
        private readonly bool _hasBody = declaration.Shape.HasBody;
        private readonly bool _hasText = declaration.Shape.HasText;
        private readonly bool _bodyMayBeMissing = declaration.Shape.BodyMayBeMissing;
        private readonly string[]? _only =
            declaration.Shape.IsStrict ? [.. declaration.Shape.Fields.Where(field => field.Place == Place.Body).Select(field => field.Name)]
                : null;

        public Task Run(HttpContext http) => _hasBody || _hasText ? RunWithBody(http) : Bound(http, new RequestFields(http));

        private async Task RunWithBody(HttpContext http)
        {
            using var fields = new RequestFields(http);
            if (_hasBody) await fields.ReadBody(_bodyMayBeMissing);
            else await fields.ReadText();
            await Bound(http, fields);
        }

        private Task Bound(HttpContext http, RequestFields fields)
        {
            var request = declaration.Bind(fields);
            foreach (var field in unread) field.Check(fields);
            if (_only is not null) fields.Body.Only(_only);
            fields.MustBeGood();
            // What was read of the body was copied: its memory is not held while grains are asked.
            fields.Dispose();

            var caller = declaration.Need.Identify(identification, http);
            return caller.IsCompletedSuccessfully ? Identified(http, fields, request, caller.Result) : Wait(http, fields, request, caller);
        }

        private async Task Wait(HttpContext http, RequestFields fields, TRequest request, ValueTask<TCaller> caller) =>
            await Identified(http, fields, request, await caller);

        private Task Identified(HttpContext http, RequestFields fields, TRequest request, TCaller caller)
        {
            fields.MustBeGoodForCaller();
            declaration.Need.Check?.Invoke(caller, request);
            if (declaration.Shape.Adds is { } adds && !Idempotency.IsAnsweredAgain(http))
            {
                var fits = quotas.MustFit(((IOfProject)caller!).Who, adds);
                if (!fits.IsCompletedSuccessfully) return Wait(http, request, caller, fits);
            }

            return Allowed(http, request, caller);
        }

        private async Task Wait(HttpContext http, TRequest request, TCaller caller, ValueTask fits)
        {
            await fits;
            await Allowed(http, request, caller);
        }

        private Task Allowed(HttpContext http, TRequest request, TCaller caller)
        {
            var answered = handler(request, caller, http);
            if (declaration.Shape.Audit is { } action) return Noted(http, action, caller, answered);
            return answered.IsCompletedSuccessfully ? declaration.Write(http, answered.Result) : Wait(http, answered);
        }

        // Before it is answered: what was acknowledged is noted.
        private async Task Noted(HttpContext http, string action, TCaller caller, Task<TResult> answered)
        {
            var result = await answered;
            await audit.Note(http, action, caller);
            await declaration.Write(http, result);
        }

        private async Task Wait(HttpContext http, Task<TResult> answered) => await declaration.Write(http, await answered);
    }
}
