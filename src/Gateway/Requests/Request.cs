using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Streaming;

namespace Beadhub.Gateway.Requests;

/// <summary>The requests of a resource: what they have in common, and how each begins.</summary>
/// <param name="path">How their paths begin.</param>
/// <param name="name">The resource's name, as the documents list it.</param>
/// <param name="description">What it is.</param>
internal sealed class RequestGroup(string path, string name, string description)
{
    public string Name => name;

    public string Description => description;

    public Request Get(string rest, string operation, string summary) => Of("GET", rest, operation, summary);

    public Request Post(string rest, string operation, string summary) => Of("POST", rest, operation, summary);

    public Request Put(string rest, string operation, string summary) => Of("PUT", rest, operation, summary);

    public Request Patch(string rest, string operation, string summary) => Of("PATCH", rest, operation, summary);

    public Request Delete(string rest, string operation, string summary) => Of("DELETE", rest, operation, summary);

    private Request Of(string method, string rest, string operation, string summary) =>
        new(new(this, method, path + rest, operation, summary));
}

/// <summary>
/// What a request is, for documents, tools and tests; how it is bound and carried out is in <see
/// cref="RequestDeclaration{TRequest, TCaller, TResult}"/>.
/// </summary>
/// <param name="Group">The resource.</param>
/// <param name="Method">Method.</param>
/// <param name="Path">Path, as a route template.</param>
/// <param name="Operation">A name for programs, unique among all.</param>
/// <param name="Summary">What it does, in a sentence.</param>
internal sealed record RequestShape(RequestGroup Group, string Method, string Path, string Operation, string Summary)
{
    public Need Need { get; init; } = Caller.Nobody;

    public ImmutableArray<Field> Fields { get; init; } = [];

    /// <summary>Whether fields of the body that are not declared are refused (contract 0.7).</summary>
    public bool IsStrict { get; init; }

    /// <summary>Whether the body may be left out.</summary>
    public bool BodyMayBeMissing { get; init; }

    /// <summary>Whether the answer shows a secret that is not shown again.</summary>
    public bool AnswersSecret { get; init; }

    /// <summary>Whether the answer shows a key, an invite or a ticket: it is not even kept encrypted.</summary>
    public bool AnswersKey { get; init; }

    /// <summary>
    /// Whether an <c>Idempotency-Key</c> means something to it. Answers are kept in the caller's project: administrators are of none.
    /// </summary>
    public bool TakesIdempotencyKey => Method != "GET" && !AnswersKey && Need != Caller.Admin
        && (Path.StartsWith("/v1/", StringComparison.Ordinal) || Path.StartsWith("/api/v1/", StringComparison.Ordinal));

    /// <summary>Whether a repeat with the same <c>Idempotency-Key</c> is answered from the recorded result of its one decision.</summary>
    public bool RepeatsFromResult { get; init; }

    /// <summary>Whether it answers with server-sent events, which a ticket opens too.</summary>
    public bool IsStream { get; init; }

    /// <summary>What is noted when it was carried out, for example <c>policy.activated</c>; null for nothing.</summary>
    public string? Audit { get; init; }

    /// <summary>What it adds to, that may have a quota; null for nothing.</summary>
    public Adding? Adds { get; init; }

    public ImmutableArray<ResponseShape> Responses { get; init; } = [];

    public bool HasBody => Fields.Any(f => f.Place == Place.Body);

    public bool HasText => Fields.Any(f => f.Place == Place.Text);
}

/// <summary>An answer that a request can have.</summary>
/// <param name="Status">Status.</param>
/// <param name="Body">Type of the body; <see cref="ErrorDetail"/> for what all refusals have in common, <c>void</c> for none.</param>
/// <param name="MediaType">Media type of the body.</param>
internal sealed record ResponseShape(int Status, Type Body, string MediaType = Wire.Json);

/// <summary>A request of which is not said yet who may make it.</summary>
internal sealed class Request(RequestShape shape)
{
    /// <summary>What the caller must be; the handler gets it.</summary>
    public Request<TCaller> Needs<TCaller>(Need<TCaller> need) => new(shape with { Need = need }, need);
}

/// <summary>A request whose fields and answers are being said.</summary>
internal sealed class Request<TCaller>(RequestShape shape, Need<TCaller> need)
{
    /// <summary>Fields, in the order in which the documents show them; unknown ones are ignored.</summary>
    public Request<TCaller> Takes(params ReadOnlySpan<Field> fields) => With(shape with { Fields = [.. shape.Fields, .. fields] });

    /// <summary>The same; fields of the body that are not among these are refused (contract 0.7).</summary>
    public Request<TCaller> TakesOnly(params ReadOnlySpan<Field> fields) =>
        With(shape with { Fields = [.. shape.Fields, .. fields], IsStrict = true });

    /// <summary>The body may be left out: all of its fields are optional.</summary>
    public Request<TCaller> BodyMayBeMissing() => With(shape with { BodyMayBeMissing = true });

    /// <summary>The answer shows a secret that is not shown again: what is kept of it for a repeat is encrypted.</summary>
    public Request<TCaller> AnswersSecret() => With(shape with { AnswersSecret = true });

    /// <summary>The answer shows a key, an invite or a ticket: nothing is kept of it, and an <c>Idempotency-Key</c> means nothing to the
    /// request.</summary>
    public Request<TCaller> AnswersKey() => With(shape with { AnswersKey = true });

    /// <summary>
    /// The answer follows from the result of one decision and from what was asked, so that a repeat with the same <c>Idempotency-Key</c>
    /// which is carried out on the recorded result answers the same: no answer needs to be kept, by a commit of its own, for it.
    /// </summary>
    public Request<TCaller> RepeatsFromResult() => With(shape with { RepeatsFromResult = true });

    /// <summary>
    /// That it was carried out is noted in the project's audit trail and in the log, with who did it and to what: the first part of the
    /// path, or what the handler says (<see cref="DeedExtensions.Deed"/>).
    /// </summary>
    public Request<TCaller> Audited(string action) => With(shape with { Audit = action });

    /// <summary>It adds to what the project holds: 403 when the quota of bytes, and of mail where that is added, is used up.</summary>
    public Request<TCaller> Adds(Adding what) => With(shape with { Adds = what });

    /// <summary>Refusals of its own; those that follow from caller, method and fields need not be named.</summary>
    public Request<TCaller> Fails(params ReadOnlySpan<int> statuses)
    {
        var responses = shape.Responses.ToBuilder();
        foreach (var status in statuses) responses.Add(new(status, typeof(ErrorDetail)));
        return With(shape with { Responses = responses.ToImmutable() });
    }

    /// <summary>A refusal whose body has more than a <c>detail</c>.</summary>
    public Request<TCaller> Fails<TBody>(int status) => With(shape with { Responses = shape.Responses.Add(new(status, typeof(TBody))) });

    /// <summary>A further answer without a body.</summary>
    public Request<TCaller> AnswersNothing(int status) => With(shape with { Responses = shape.Responses.Add(new(status, typeof(void))) });

    /// <summary>
    /// Reads the fields, in the order in which their errors are told. It must bear whatever a field gives in place of a bad value: an empty
    /// text, 0, or null.
    /// </summary>
    public Request<TRequest, TCaller> Bind<TRequest>(Func<RequestFields, TRequest> bind) => new(shape, need, bind);

    /// <inheritdoc cref="Request{TRequest, TCaller}.Answers{T}(JsonTypeInfo{T})"/>
    public RequestDeclaration<Nothing, TCaller, T> Answers<T>(JsonTypeInfo<T> json) => WithoutFields.Answers(json);

    /// <inheritdoc cref="Request{TRequest, TCaller}.Answers{T}()"/>
    public RequestDeclaration<Nothing, TCaller, Answer<T>> Answers<T>() => WithoutFields.Answers<T>();

    /// <inheritdoc cref="Request{TRequest, TCaller}.AnswersCached{T}(JsonTypeInfo{T})"/>
    public RequestDeclaration<Nothing, TCaller, T> AnswersCached<T>(JsonTypeInfo<T> json) where T : class =>
        WithoutFields.AnswersCached(json);

    /// <inheritdoc cref="Request{TRequest, TCaller}.AnswersCached{TView, T}(JsonTypeInfo{T}, Func{TView, T})"/>
    public RequestDeclaration<Nothing, TCaller, TView> AnswersCached<TView, T>(JsonTypeInfo<T> json, Func<TView, T> form)
        where TView : class =>
        WithoutFields.AnswersCached(json, form);

    /// <inheritdoc cref="Request{TRequest, TCaller}.AnswersWith{TResult}(Type, string)"/>
    public RequestDeclaration<Nothing, TCaller, TResult> AnswersWith<TResult>(Type body, string mediaType) where TResult : IResult =>
        WithoutFields.AnswersWith<TResult>(body, mediaType);

    private Request<Nothing, TCaller> WithoutFields => Bind<Nothing>(static _ => default);

    private Request<TCaller> With(RequestShape changed) => new(changed, need);
}

/// <summary>A request without fields that its handler wants.</summary>
internal readonly struct Nothing;

/// <summary>A request of which is not said yet what it answers.</summary>
internal sealed class Request<TRequest, TCaller>(RequestShape shape, Need<TCaller> need, Func<RequestFields, TRequest> bind)
{
    /// <summary>200 with what the handler returns, as JSON.</summary>
    public RequestDeclaration<TRequest, TCaller, T> Answers<T>(JsonTypeInfo<T> json) =>
        With<T>(typeof(T), Wire.Json, (http, view) => Answer.Of(view, json).ExecuteAsync(http));

    /// <summary>200 with a <typeparamref name="T"/>, or another answer that the handler makes.</summary>
    public RequestDeclaration<TRequest, TCaller, Answer<T>> Answers<T>() => AnswersWith<Answer<T>>(typeof(T), Wire.Json);

    /// <summary>200 with what the handler returns, a view that grains return again: its JSON is kept as long as the view lives.</summary>
    public RequestDeclaration<TRequest, TCaller, T> AnswersCached<T>(JsonTypeInfo<T> json) where T : class =>
        With<T>(typeof(T), Wire.Json, (http, view) => Answer.Shared(view, json).ExecuteAsync(http));

    /// <summary>The same for a view that is put into another form first; there is one form for each type of view.</summary>
    public RequestDeclaration<TRequest, TCaller, TView> AnswersCached<TView, T>(JsonTypeInfo<T> json, Func<TView, T> form)
        where TView : class =>
        With<TView>(typeof(T), Wire.Json, (http, view) => Answer.Shared(view, form, json).ExecuteAsync(http));

    /// <summary>201 with what the handler returns, as JSON.</summary>
    public RequestDeclaration<TRequest, TCaller, T> Creates<T>(JsonTypeInfo<T> json) => With<T>(typeof(T), Wire.Json,
        (http, view) =>
            new Answer<T>(JsonSerializer.SerializeToUtf8Bytes(view, json), StatusCodes.Status201Created).ExecuteAsync(http), 201);

    /// <summary>204, without a body.</summary>
    public RequestDeclaration<TRequest, TCaller, Nothing> AnswersEmpty() => With<Nothing>(typeof(void), Wire.Json,
        static (http, _) =>
        {
            http.Response.StatusCode = StatusCodes.Status204NoContent;
            return Task.CompletedTask;
        },
        204);

    /// <summary>200 with what the handler's result writes.</summary>
    public RequestDeclaration<TRequest, TCaller, TResult> AnswersWith<TResult>(Type body, string mediaType) where TResult : IResult =>
        With<TResult>(body, mediaType, static (http, result) => result.ExecuteAsync(http));

    /// <summary>200 with server-sent events.</summary>
    public RequestDeclaration<TRequest, TCaller, EventStream> Streams() =>
        new Request<TRequest, TCaller>(shape with { IsStream = true, Fields = [.. shape.Fields, StreamTickets.Field] }, need, bind)
            .AnswersWith<EventStream>(typeof(string), "text/event-stream");

    private RequestDeclaration<TRequest, TCaller, TResult> With<TResult>(
        Type body, string mediaType, Func<HttpContext, TResult, Task> write, int status = 200) =>
        new(shape with { Responses = shape.Responses.Insert(0, new(status, body, mediaType)) }, need, bind, write);
}

/// <summary>A request declared whole.</summary>
/// <param name="Shape">What the documents say of it.</param>
/// <param name="Need">What the caller must be.</param>
/// <param name="Bind">Reads its fields.</param>
/// <param name="Write">Writes the answer.</param>
internal sealed record RequestDeclaration<TRequest, TCaller, TResult>(
    RequestShape Shape, Need<TCaller> Need, Func<RequestFields, TRequest> Bind, Func<HttpContext, TResult, Task> Write);
