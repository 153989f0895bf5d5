using Beadhub.Gateway.Identity;

namespace Beadhub.Gateway.Http;

/// <summary>Turns everything that goes wrong into the contract's bodies (contract 0.2), and nothing into a 500 that can be said
/// better.</summary>
internal static class ErrorAnswers
{
    /// <summary>What is said when a store cannot be reached.</summary>
    public const string Unavailable = "Service temporarily unavailable. Please retry.";

    public static IApplicationBuilder UseErrorAnswers(this IApplicationBuilder app) => app.Use(Run);

    /// <summary>Runs a request; whatever it throws becomes its answer.</summary>
    public static async Task Run(HttpContext http, RequestDelegate next)
    {
        try
        {
            // The reference's framework redirects; 307 keeps method and body.
            if (http.Request.Path.Value is { Length: > 1 } path && path[^1] == '/' && path.StartsWith("/v1/", StringComparison.Ordinal))
            {
                http.Response.StatusCode = StatusCodes.Status307TemporaryRedirect;
                // Escaped again: a header holds ASCII only.
                http.Response.Headers.Location = http.Request.PathBase.Add(path.TrimEnd('/')).ToUriComponent() + http.Request.QueryString;
                return;
            }

            await next(http);
            if (!http.Response.HasStarted && http.Response.ContentLength is null && http.Response.ContentType is null)
            {
                if (http.Response.StatusCode is StatusCodes.Status404NotFound or StatusCodes.Status405MethodNotAllowed)
                    ErrorBodies.WriteNoRoute(http, http.Response.StatusCode);
            }
        }
        catch (InvalidFieldsException e) when (!http.Response.HasStarted)
        {
            ErrorBodies.Write(http, e);
        }
        catch (ApiException e) when (!http.Response.HasStarted)
        {
            if (e.Status == StatusCodes.Status401Unauthorized) http.Response.Headers.WWWAuthenticate = "Bearer";
            if (e.Status == StatusCodes.Status401Unauthorized || e.IsRefusedLogin)
                if (Identification.HasCredentials(http)) http.RequestServices.GetRequiredService<RefusedLogins>().Note(http);
            if (e.RetryAfter is { } seconds) http.Response.Headers.RetryAfter = seconds.ToString();
            ErrorBodies.Write(http, e.Status, e.Message);
        }
        catch (RefusedException e) when (!http.Response.HasStarted)
        {
            ErrorBodies.Write(http, StatusOf(e.Kind), e.Message);
        }
        catch (UnavailableException e) when (!http.Response.HasStarted)
        {
            http.Response.Headers.RetryAfter = "1";
            ErrorBodies.Write(
                http, StatusCodes.Status503ServiceUnavailable,
                e.InnerException is LastingTroubleException lasting ? lasting.Message : Unavailable);
        }
        catch (BadHttpRequestException e) when (!http.Response.HasStarted)
        {
            ErrorBodies.Write(http, e.StatusCode, e.StatusCode == StatusCodes.Status413PayloadTooLarge
                ? $"Request body too large: at most {GatewaySettings.MaxBodyBytes} bytes"
                : e.Message);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client is gone: nobody reads an answer. But nobody, an Idempotency-Key least of all, may take it for one that says that
            // the request was carried out.
            if (!http.Response.HasStarted) http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        }
        catch (Exception e) when (!http.Response.HasStarted)
        {
            http.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger("Beadhub.Gateway")
                .LogError(e, "{Method} {Route} failed, request {RequestId}", http.Request.Method, RequestLog.RouteOf(http),
                    RequestLog.IdOf(http));
            ErrorBodies.Write(http, StatusCodes.Status500InternalServerError, "Internal server error");
        }
    }

    /// <summary>The status that says why a grain refused.</summary>
    public static int StatusOf(RefusalKind kind) => kind switch
    {
        RefusalKind.Mismatch => StatusCodes.Status400BadRequest,
        RefusalKind.Forbidden => StatusCodes.Status403Forbidden,
        RefusalKind.NotFound => StatusCodes.Status404NotFound,
        RefusalKind.Conflict => StatusCodes.Status409Conflict,
        RefusalKind.Gone => StatusCodes.Status410Gone,
        RefusalKind.NotConfigured => StatusCodes.Status501NotImplemented,
        _ => StatusCodes.Status422UnprocessableEntity,
    };
}
