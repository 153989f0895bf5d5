using Microsoft.AspNetCore.Http.Features;

namespace Beadhub.Gateway;

/// <summary>The code of an invite that a request's path began with.</summary>
internal sealed record BroughtInvite(string Code)
{
    // A code must not slip into a log by way of a record's default text.
    public override string ToString() => "an invite";
}

/// <summary>
/// <c>/i/CODE/…</c>: how clients that know nothing of invites bring one, as a part of their server's address. The prefix is taken off
/// before anything else sees the path, logs and traces among it, whether the code is good, used up or none: behind it everything works as
/// without.
/// </summary>
internal static class InvitePath
{
    /// <summary>How such a path begins.</summary>
    public const string Prefix = "/i/";

    private const int MostLetters = 128;

    /// <summary>Takes the prefix off; <see cref="Joining"/> looks at the code.</summary>
    public static void UseInvitePath(this IApplicationBuilder app) => app.Use(static next => http =>
    {
        if (http.Request.Path.Value is { } path && path.StartsWith(Prefix, StringComparison.Ordinal)) Strip(http, path);
        return next(http);
    });

    private static void Strip(HttpContext http, string path)
    {
        var end = path.IndexOf('/', Prefix.Length);
        var code = path[Prefix.Length..(end < 0 ? path.Length : end)];
        if (code.Length is 0 or > MostLetters || code.Any(static c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_'))) return;
        http.Features.Set(new BroughtInvite(code));
        http.Request.Path = end < 0 ? "/" : path[end..];
        if (http.Features.Get<IHttpRequestFeature>() is { } request)
            request.RawTarget = http.Request.Path.ToUriComponent() + http.Request.QueryString.ToUriComponent();
    }
}
