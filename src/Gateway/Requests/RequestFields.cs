using System.Text.Json;
using Beadhub.Gateway.Http;

namespace Beadhub.Gateway.Requests;

/// <summary>
/// A request while its fields are read. All that is wrong with them is collected for one 422; refusals with a text of their own wait until
/// that is told, and some of them until the caller is known.
/// </summary>
internal sealed class RequestFields : IDisposable
{
    private readonly HttpContext _http;
    private readonly HashSet<Field>? _asked;
    private BodyFields? _body;
    private RequestBody? _text;
    private QueryFields? _query;
    private FieldErrors? _errors;
    private ApiException? _beforeCaller;
    private ApiException? _afterCaller;

    public RequestFields(HttpContext http) => _http = http;

    /// <summary>A request without anything, to find out which fields are asked for.</summary>
    /// <param name="asked">Where they are noted.</param>
    public RequestFields(HashSet<Field> asked)
    {
        (_http, _asked) = (new DefaultHttpContext(), asked);
        (_body, _text) = (BodyFields.Empty(Errors), RequestBody.Empty());
    }

    /// <summary>What is wrong so far.</summary>
    public FieldErrors Errors => _errors ??= new();

    /// <summary>The body's fields.</summary>
    public BodyFields Body => _body!;

    /// <summary>The query's parameters.</summary>
    public QueryFields Query => _query ??= new(_http.Request, Errors);

    /// <summary>A body that is text.</summary>
    public ReadOnlyMemory<byte> Text => _text!.Bytes;

    /// <summary>The value of a field.</summary>
    public T Get<T>(Field<T> field)
    {
        _asked?.Add(field);
        return field.Read(this);
    }

    /// <summary>Whether a field is there, and not null.</summary>
    public bool Has(Field field)
    {
        _asked?.Add(field);
        return field.Place == Place.Body ? Body.Has(field.Name) : Query.Has(field.Name);
    }

    /// <summary>Whether the body names a field, be it as null.</summary>
    public bool Mentions(Field field)
    {
        _asked?.Add(field);
        return Body.Mentions(field.Name);
    }

    /// <summary>A part of the path; the rest of one may be empty, and is null here then.</summary>
    public string Path(string name) => _http.Request.RouteValues[name] as string ?? "";

    /// <summary>A header; empty when it is absent.</summary>
    public string Header(string name) => _http.Request.Headers[name].ToString();

    /// <summary>A field violates a rule.</summary>
    public void Fail(Field field, string rule)
    {
        switch (field.Place)
        {
            case Place.Body:
                Body.Fail(field.Name, rule);
                break;
            case Place.Query:
                Query.Fail(field.Name, rule);
                break;
            default:
                var sent = field.Place == Place.Path ? Path(field.Name) : Header(field.Name);
                Errors.AddRule(
                    rule, JsonSerializer.SerializeToUtf8Bytes(sent, Wire.Types.String), field.Place == Place.Path ? "path" : "header",
                    field.Argument);
                break;
        }
    }

    /// <summary>
    /// Ends the request before the caller is asked for, once all that is wrong with the fields is told; the first refusal counts.
    /// </summary>
    public void RefuseBeforeCaller(ApiException refusal) => _beforeCaller ??= refusal;

    /// <summary>Ends the request as soon as the caller is known; the first refusal counts.</summary>
    public void RefuseAfterCaller(ApiException refusal) => _afterCaller ??= refusal;

    /// <summary>Reads a JSON body.</summary>
    public async ValueTask ReadBody(bool mayBeMissing) => _body = await BodyFields.Read(_http, mayBeMissing, Errors);

    /// <summary>Reads a body of text.</summary>
    public async ValueTask ReadText() => _text = await RequestBody.Read(_http.Request);

    /// <summary>Ends the request when anything is wrong that is told whoever asks.</summary>
    public void MustBeGood()
    {
        _errors?.ThrowIfAny();
        if (_beforeCaller is not null) throw _beforeCaller;
    }

    /// <summary>Ends the request when anything is wrong that is told to callers who may ask.</summary>
    public void MustBeGoodForCaller()
    {
        if (_afterCaller is not null) throw _afterCaller;
    }

    /// <summary>Gives the body's memory back.</summary>
    public void Dispose()
    {
        _body?.Dispose();
        _text?.Dispose();
    }
}
