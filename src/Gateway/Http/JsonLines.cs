using Beadhub.Boards;

namespace Beadhub.Gateway.Http;

/// <summary>
/// A 200 with lines of JSON, page by page: as much is in memory as a page holds, however many there are. When a page cannot be had the
/// connection is broken off, so that nobody takes a part for the whole.
/// </summary>
internal sealed class JsonLines(ExportPage first, Func<string, ValueTask<ExportPage>> next) : IResult
{
    /// <summary>Media type of JSON Lines.</summary>
    public const string Type = "application/x-ndjson";

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var (response, ended) = (httpContext.Response, httpContext.RequestAborted);
        response.ContentType = Type;
        for (var page = first; ; page = await next(page.Next))
        {
            await response.Body.WriteAsync(page.Lines.AsMemory(), ended);
            if (page.Next is null) return;
        }
    }
}
