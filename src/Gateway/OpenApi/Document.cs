using System.Text;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Requests;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Beadhub.Gateway.OpenApi;

/// <summary><c>/openapi/v1.json</c>: made once, at the first request for it; making it costs a good part of a second.</summary>
internal sealed class Document
{
    private const string Name = "v1";

    private readonly Lock _lock = new();
    private Task<byte[]>? _made;

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet($"/openapi/{Name}.json", new Document().Get).Needs(Caller.Nobody).ExcludeFromDescription();

    private async Task Get(HttpContext http)
    {
        Task<byte[]> made;
        // A document that could not be made is tried again. The path is the same in all requests that come here.
        lock (_lock) made = _made is { IsFaulted: false } ? _made : _made = Make(http.RequestServices, http.Request.PathBase);
        var json = await made;
        http.Response.ContentType = Wire.Json;
        http.Response.ContentLength = json.Length;
        await http.Response.Body.WriteAsync(json, http.RequestAborted);
    }

    private static async Task<byte[]> Make(IServiceProvider services, PathString prefix)
    {
        var document = await services.GetRequiredKeyedService<IOpenApiDocumentProvider>(Name).GetOpenApiDocumentAsync();
        document.Servers = [new() { Url = prefix.HasValue ? prefix.ToUriComponent() : "/" }];
        using var text = new StringWriter();
        document.SerializeAsV31(new OpenApiJsonWriter(text, new() { Terse = true }));
        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
