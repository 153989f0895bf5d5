namespace Beadhub.Gateway.Http;

/// <summary>Ends a request with a status and a <c>{"detail": text}</c> body (contract 0.2).</summary>
internal sealed class ApiException(int status, string detail) : Exception(detail)
{
    public int Status { get; } = status;

    /// <summary>Whether credentials were refused, though with another status than 401.</summary>
    public bool IsRefusedLogin { get; init; }

    /// <summary>Seconds for a <c>Retry-After</c> header.</summary>
    public int? RetryAfter { get; init; }

    public static ApiException Unprocessable(string detail) => new(StatusCodes.Status422UnprocessableEntity, detail);

    public static ApiException Unauthorized(string detail = "Authentication required") => new(StatusCodes.Status401Unauthorized, detail);

    public static ApiException Forbidden(string detail) => new(StatusCodes.Status403Forbidden, detail);

    public static ApiException TooMany(string detail, TimeSpan wait) =>
        new(StatusCodes.Status429TooManyRequests, detail) { RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)) };

    public static ApiException Gone(string detail) => new(StatusCodes.Status410Gone, detail);

    public static ApiException NotFound(string detail) => new(StatusCodes.Status404NotFound, detail);
}
