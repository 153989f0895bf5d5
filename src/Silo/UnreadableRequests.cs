using System.Buffers;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace Beadhub.Silo;

/// <summary>
/// Gives the answers of the web server itself a body, as all other errors have one: to a request that it cannot read (400), that does not
/// come to its end (408), or whose line or headers are too long (414, 431). Such a request reaches no middleware; the web server tells of
/// it by a diagnostic event, before it answers.
/// </summary>
internal sealed class UnreadableRequests : IObserver<KeyValuePair<string, object?>>
{
    private const string Event = "Microsoft.AspNetCore.Server.Kestrel.BadRequest";

    /// <summary>Begins to do so. No other event is asked for: a request that can be read must not be made slower.</summary>
    public static IDisposable Watch(DiagnosticListener listener) =>
        listener.Subscribe(new UnreadableRequests(), static name => name == Event);

    public void OnCompleted()
    {
    }

    public void OnError(Exception error)
    {
    }

    public void OnNext(KeyValuePair<string, object?> value)
    {
        if (value is not { Key: Event, Value: IFeatureCollection features }) return;
        if (features.Get<IBadRequestExceptionFeature>()?.Error is not BadHttpRequestException error) return;
        if (features.Get<IHttpResponseFeature>() is not { HasStarted: false } response
            || features.Get<IHttpResponseBodyFeature>() is not { } body) return;
        if (features.Get<IConnectionTransportFeature>() is not { Transport.Output: { } output }) return;
        var json = Encoding.UTF8.GetBytes($$"""{"detail":"{{JsonEncodedText.Encode(error.Message)}}"}""");
        response.StatusCode = error.StatusCode;
        response.Headers.ContentType = "application/json";
        response.Headers.ContentLength = json.Length;
        response.Headers.Connection = "close";
        // The head goes the web server's way, so that it counts as answered. There is no way for a body before a request was read, so this
        // one goes behind the head into the same buffer. It fits: nothing waits.
        _ = body.StartAsync();
        output.Write(json);
        _ = output.FlushAsync().AsTask();
    }
}
