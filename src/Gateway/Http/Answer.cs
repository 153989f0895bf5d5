using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Beadhub.Gateway.Http;

/// <summary>A JSON body, mostly of type <typeparamref name="T"/>, with status 200; or what a request has instead of one.</summary>
internal class Answer<T>(ReadOnlyMemory<byte> json, int status = StatusCodes.Status200OK) : IResult
{
    /// <summary>The body.</summary>
    public ReadOnlyMemory<byte> Json => json;

    public virtual Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = status;
        if (json.IsEmpty) return Task.CompletedTask;
        httpContext.Response.ContentType = Wire.Json;
        httpContext.Response.ContentLength = json.Length;
        return httpContext.Response.Body.WriteAsync(json).AsTask();
    }

    public static implicit operator Answer<T>(Refusal refusal) => new(refusal.Json, refusal.Status);
}

/// <summary>A refusal that is no exception: its body has more than a <c>detail</c>, or it has none.</summary>
/// <param name="Status">Status.</param>
/// <param name="Json">Body.</param>
internal readonly record struct Refusal(int Status, ReadOnlyMemory<byte> Json);

/// <summary>Makes answers.</summary>
internal static class Answer
{
    // A grain returns the same immutable view while nothing that it shows has changed; such a view is serialized once.
    private static readonly ConditionalWeakTable<object, byte[]> Rendered = [];
    private static readonly ConditionalWeakTable<object, Pair> RenderedBeside = [];

    private sealed record Pair(object Beside, byte[] Json);

    /// <summary>An answer that is serialized now.</summary>
    public static Answer<T> Of<T>(T view, JsonTypeInfo<T> json) => new(JsonSerializer.SerializeToUtf8Bytes(view, json));

    /// <summary>A refusal with a body of its own.</summary>
    public static Refusal Refusal<T>(int status, T body, JsonTypeInfo<T> json) =>
        new(status, JsonSerializer.SerializeToUtf8Bytes(body, json));

    /// <summary>An answer without a body.</summary>
    public static Refusal Nothing(int status) => new(status, default);

    /// <summary>An answer from a view that grains return again: its bytes are kept as long as the view lives.</summary>
    public static Answer<T> Shared<T>(T view, JsonTypeInfo<T> json) where T : class => new(Bytes(view, static v => v, json));

    /// <summary>The same for a view that is put into another shape first; there is one shape for each type of view.</summary>
    public static Answer<T> Shared<TView, T>(TView view, Func<TView, T> shape, JsonTypeInfo<T> json) where TView : class =>
        new(Bytes(view, shape, json));

    /// <summary>An answer that <see cref="Shared{TView, T}(TView, object, T, JsonTypeInfo{T})"/> has made from just these two views; null
    /// when it has not.</summary>
    public static Answer<T>? Known<T>(object view, object beside) =>
        RenderedBeside.TryGetValue(view, out var known) && ReferenceEquals(known.Beside, beside) ? new(known.Json) : null;

    /// <summary>An answer that is made from two such views; its bytes are kept as long as both are asked for together.</summary>
    public static Answer<T> Shared<TView, T>(TView view, object beside, T shaped, JsonTypeInfo<T> json) where TView : class
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(shaped, json);
        RenderedBeside.AddOrUpdate(view, new(beside, bytes));
        return new(bytes);
    }

    /// <summary>Bytes of such a view.</summary>
    public static byte[] Bytes<TView, T>(TView view, Func<TView, T> shape, JsonTypeInfo<T> json) where TView : class
    {
        if (Rendered.TryGetValue(view, out var bytes)) return bytes;
        bytes = JsonSerializer.SerializeToUtf8Bytes(shape(view), json);
        Rendered.AddOrUpdate(view, bytes);
        return bytes;
    }

    /// <summary>Writes a whole JSON body; it is flushed when the request ends.</summary>
    public static void Write(HttpResponse response, ReadOnlySpan<byte> json)
    {
        response.ContentType = Wire.Json;
        response.ContentLength = json.Length;
        System.Buffers.BuffersExtensions.Write(response.BodyWriter, json);
    }
}
