using Beadhub.Gateway.Http;
using Beadhub.Gateway.Requests;
using Microsoft.OpenApi;

namespace Beadhub.Gateway.OpenApi;

/// <summary>Describes an operation by the declaration of its request, and by the refusals that follow from it.</summary>
internal static class DescribedRequest
{
    /// <summary>Name of the security scheme.</summary>
    public const string Bearer = "bearer";

    /// <summary>Says of an operation what its caller must be.</summary>
    private const string Needs = "x-needs";

    /// <summary>Says of an operation what is noted when it was carried out.</summary>
    private const string Audited = "x-audited";

    /// <summary>Completes the description of an operation, which has its summary and its answers.</summary>
    public static void Describe(OpenApiOperation operation, RequestShape shape, OpenApiDocument document)
    {
        operation.OperationId = shape.Operation;
        operation.Extensions = new Dictionary<string, IOpenApiExtension> { [Needs] = new JsonNodeExtension(shape.Need.Name) };
        if (shape.Audit is { } action) operation.Extensions[Audited] = new JsonNodeExtension(action);
        var isWrite = shape.Method != "GET";
        var takesKey = shape.TakesIdempotencyKey;
        operation.Parameters = [.. shape.Fields.Where(IsParameter).Select(Parameter)];
        if (takesKey) operation.Parameters.Add(IdempotencyKey());
        operation.RequestBody = Body(shape);
        operation.Security = Security(shape.Need.Credentials, document);

        var responses = operation.Responses ??= [];
        var rules = Refusals.Of(
            identifies: shape.Need.Credentials != Credentials.Ignored, isWrite, takesKey, takesBody: shape.HasBody || shape.HasText,
            hasParameters: shape.Fields.Any(field => field.Place is Place.Path or Place.Query));
        var own = shape.Responses.Where(response => response.Status >= 400).Select(response => response.Status);
        foreach (var status in rules.Union(own)) Refusals.Add(responses, status, document, ErrorBodies.IsHive(shape.Path));
        operation.Responses = [];
        foreach (var (status, response) in responses.OrderBy(response => response.Key, StringComparer.Ordinal))
            operation.Responses.Add(status, response);
    }

    /// <summary>Describes the groups of requests, and the whole.</summary>
    public static void Describe(OpenApiDocument document, IEnumerable<RequestShape> requests)
    {
        document.Info = new()
        {
            Title = "Beadhub",
            Version = "1",
            Description = "The coordination server for teams of AI coding agents.",
            License = new() { Name = "MIT", Identifier = "MIT" },
        };
        document.Tags = requests.Select(request => request.Group).GroupBy(group => group.Name)
            .OrderBy(groups => groups.Key, StringComparer.Ordinal)
            .Select(groups => new OpenApiTag { Name = groups.Key, Description = groups.First().Description }).ToHashSet();
        var components = document.Components ??= new();
        (components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>())[Bearer] = new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http,
            Scheme = "bearer",
            Description = "An API key (aw_sk_…); administrators send theirs",
        };
        Refusals.AddTo(document);
    }

    private static bool IsParameter(Field field) => field.Place is Place.Path or Place.Query or Place.Header;

    private static OpenApiParameter Parameter(Field field)
    {
        // A parameter has the description, its schema the rest.
        var schema = (OpenApiSchema)field.Schema.CreateShallowCopy();
        schema.Description = null;
        return new()
        {
            Name = field.Name,
            In = field.Place switch
            {
                Place.Path => ParameterLocation.Path,
                Place.Query => ParameterLocation.Query,
                _ => ParameterLocation.Header,
            },
            Description = field.Schema.Description,
            Required = field.IsRequired,
            Schema = schema,
        };
    }

    private static OpenApiParameter IdempotencyKey() => new()
    {
        Name = "Idempotency-Key",
        In = ParameterLocation.Header,
        Description = "A repeat of the request with the same key returns the first answer.",
        Schema = new OpenApiSchema { Type = JsonSchemaType.String, MinLength = 1, MaxLength = 255 },
    };

    private static OpenApiRequestBody? Body(RequestShape shape)
    {
        if (shape.Fields.FirstOrDefault(field => field.Place == Place.Text) is { } text)
            return Body("text/plain", text.Schema, isRequired: true);
        if (!shape.HasBody) return null;
        var fields = shape.Fields.Where(field => field.Place == Place.Body).ToArray();
        return Body(Wire.Json, isRequired: !shape.BodyMayBeMissing, schema: new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Properties = fields.ToDictionary(field => field.Name, IOpenApiSchema (field) => field.Schema),
            Required = fields.Where(field => field.IsRequired).Select(field => field.Name).ToHashSet(),
            AdditionalPropertiesAllowed = !shape.IsStrict,
        });
    }

    private static OpenApiRequestBody Body(string mediaType, OpenApiSchema schema, bool isRequired) =>
        new() { Required = isRequired, Content = new Dictionary<string, OpenApiMediaType> { [mediaType] = new() { Schema = schema } } };

    // An empty requirement says that none is needed.
    private static List<OpenApiSecurityRequirement> Security(Credentials credentials, OpenApiDocument document)
    {
        var bearer = new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Bearer, document)] = [] };
        return credentials switch
        {
            Credentials.Required => [bearer],
            Credentials.Optional => [bearer, []],
            _ => [[]],
        };
    }
}
