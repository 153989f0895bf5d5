using System.Globalization;
using Beadhub.Gateway.Http;
using Microsoft.OpenApi;

namespace Beadhub.Gateway.OpenApi;

/// <summary>The statuses with which requests are refused, and their bodies (contract 0.2), once for all operations.</summary>
internal static class Refusals
{
    private const string Error = nameof(ErrorDetail);
    private const string Invalid = "InvalidRequest";
    private const string Field = "FieldError";
    private const string Hive = "Hive";
    private const string HiveError = nameof(Http.HiveError);
    private const string HiveInvalid = "HiveInvalidRequest";

    private static readonly Dictionary<int, string> Meanings = new()
    {
        [400] = "The request is not well-formed, or does not fit what is there",
        [401] = "No credentials, or none that are known",
        [403] = "The caller may not do this; or the request comes from another site's page, or names another host",
        [404] = "What the credentials or the request name does not exist",
        [408] = "The body came too slowly",
        [409] = "Something is in the way, or the first request with this Idempotency-Key is still under way",
        [410] = "The caller was deregistered, the project is archived, or what is named is gone",
        [413] = "The body is too large",
        [415] = "The body is encoded in a way that is not read",
        [422] = "Something in the request is not as described",
        [429] = "Too many requests; the answer says when to ask again",
        [501] = "The server is not set up for this",
        [502] = "Another server that this one asked did not do its part",
        [503] = "Not just now; ask again",
    };

    /// <summary>The refusals that an operation can give whatever it is about.</summary>
    /// <param name="identifies">Whether it wants to know who asks.</param>
    /// <param name="isWrite">Whether it can change something.</param>
    /// <param name="takesKey">Whether it honours an <c>Idempotency-Key</c>.</param>
    /// <param name="takesBody">Whether it reads a body.</param>
    /// <param name="hasParameters">Whether its path or query has parameters.</param>
    public static IEnumerable<int> Of(bool identifies, bool isWrite, bool takesKey, bool takesBody, bool hasParameters)
    {
        int[] all = [400, 403, 429, 503];
        int[] caller = [401, 404];
        int[] writer = [410];
        int[] key = [409, 413, 422];
        int[] body = [408, 413, 415, 422];
        int[] parameters = [404, 422];
        return [.. all, .. identifies ? caller : [], .. identifies && isWrite ? writer : [], .. takesKey ? key : [],
            .. takesBody ? body : [], .. hasParameters ? parameters : []];
    }

    /// <summary>
    /// Puts a refusal into an operation. A body with fields of its own, which the endpoint has declared, stays beside the common one.
    /// </summary>
    /// <param name="responses">The operation's.</param>
    /// <param name="status">The refusal's.</param>
    /// <param name="document">The document.</param>
    /// <param name="isHive">Whether it speaks as OpenHive does (<see cref="ErrorBodies"/>).</param>
    public static void Add(OpenApiResponses responses, int status, OpenApiDocument document, bool isHive)
    {
        if (isHive)
        {
            // What is wrong with fields is told with 400 there.
            var hiveStatus = status.ToString(CultureInfo.InvariantCulture);
            if (status != 422) responses[hiveStatus] = new OpenApiResponseReference($"{Hive}{hiveStatus}", document);
            return;
        }

        var name = status.ToString(CultureInfo.InvariantCulture);
        var declared = responses.GetValueOrDefault(name)?.Content?.Values.FirstOrDefault()?.Schema;
        responses[name] = declared is null or OpenApiSchemaReference { Reference.Id: Error }
            ? new OpenApiResponseReference(name, document)
            : Response(status, new OpenApiSchema { AnyOf = [declared, new OpenApiSchemaReference(Error, document)] });
    }

    /// <summary>Adds what operations refer to.</summary>
    public static void AddTo(OpenApiDocument document)
    {
        var components = document.Components ??= new();
        var schemas = components.Schemas ??= new Dictionary<string, IOpenApiSchema>();
        schemas[Error] = Object(("detail", Text("What is wrong")));
        schemas[HiveError] = Object(("error", Text("What the status is called")), ("message", Text("What is wrong")));
        var invalid = Object(("error", Text("Validation Error, when fields are not as described")));
        invalid.Properties!["message"] = Text("What is wrong, when it is not the fields");
        invalid.Properties["details"] = List(Object(("code", Text("Kind of error")), ("path", List(new OpenApiSchema
            { Type = JsonSchemaType.String | JsonSchemaType.Integer }, "Names and indexes")), ("message", Text("What is wrong"))),
            "All that is wrong with the fields");
        schemas[HiveInvalid] = invalid;
        schemas[Field] = Object(
            ("type", Text("Kind of error, for example missing")),
            ("loc", List(new OpenApiSchema { Type = JsonSchemaType.String | JsonSchemaType.Integer },
                "body, query, path or header, then names and indexes")),
            ("msg", Text("What is wrong")),
            ("input", new OpenApiSchema { Description = "The value, or a text in its place when it is too large to show" }));
        var list = List(new OpenApiSchemaReference(Field, document), "All that is wrong");
        schemas[Invalid] = Object(("detail", new OpenApiSchema { AnyOf = [Text("What is wrong"), list] }));
        components.Responses = Meanings.Keys.ToDictionary(
            status => status.ToString(CultureInfo.InvariantCulture),
            IOpenApiResponse (status) => Response(status, new OpenApiSchemaReference(status == 422 ? Invalid : Error, document)));
        foreach (var status in Meanings.Keys)
            components.Responses[$"{Hive}{status}"] =
                Response(status, new OpenApiSchemaReference(status == 400 ? HiveInvalid : HiveError, document));
    }

    private static OpenApiResponse Response(int status, IOpenApiSchema schema) =>
        new()
        {
            Description = Meanings[status],
            Content = new Dictionary<string, OpenApiMediaType> { [Wire.Json] = new() { Schema = schema } },
        };

    private static OpenApiSchema Object(params (string Name, IOpenApiSchema Schema)[] fields) => new()
    {
        Type = JsonSchemaType.Object,
        Properties = fields.ToDictionary(field => field.Name, field => field.Schema),
        Required = fields.Select(field => field.Name).ToHashSet(),
    };

    private static OpenApiSchema Text(string description) => new() { Type = JsonSchemaType.String, Description = description };

    private static OpenApiSchema List(IOpenApiSchema items, string description) =>
        new() { Type = JsonSchemaType.Array, Items = items, Description = description };
}
