using System.Globalization;
using Beadhub.Gateway.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Beadhub.Gateway.OpenApi;

/// <summary>Completes the description of an operation by what its endpoint asks for (<see cref="FieldNotes"/>) and by what all endpoints share.</summary>
internal static class OperationFields
{
    /// <summary>Name of the security scheme.</summary>
    public const string Bearer = "bearer";

    public static async Task Describe(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellation)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        if (metadata.OfType<DryRun>().FirstOrDefault() is not { } endpoint) return;
        var notes = await FieldNotes.Take(endpoint.Handler, context.ApplicationServices);
        var isWrite = context.Description.HttpMethod is not "GET";

        var parameters = operation.Parameters ??= [];
        foreach (var part in PathParts(context.Description.RelativePath ?? ""))
            parameters.Add(new OpenApiParameter { Name = part, In = ParameterLocation.Path, Required = true, Schema = new OpenApiSchema { Type = JsonSchemaType.String } });
        foreach (var field in notes.Query)
            parameters.Add(new OpenApiParameter { Name = field.Name, In = ParameterLocation.Query, Required = field.Required, Schema = Schema(field) });
        if (isWrite && context.Description.RelativePath?.EndsWith("v1/init", StringComparison.Ordinal) != true)
        {
            parameters.Add(new OpenApiParameter
            {
                Name = "Idempotency-Key",
                In = ParameterLocation.Header,
                Description = "A repeat of the request with the same key returns the first answer.",
                Schema = new OpenApiSchema { Type = JsonSchemaType.String, MinLength = 1, MaxLength = 255 },
            });
        }

        if (notes.TakesText)
            operation.RequestBody = new OpenApiRequestBody { Required = true, Content = new Dictionary<string, OpenApiMediaType> { ["text/plain"] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String } } } };
        else if (notes.Body is { } fields)
            operation.RequestBody = new OpenApiRequestBody { Required = true, Content = new Dictionary<string, OpenApiMediaType> { [Wire.Json] = new() { Schema = Schema(fields, notes.IsStrict) } } };

        var responses = operation.Responses ??= [];
        if (notes.Query.Count > 0 || notes.Body is not null) Refuses(StatusCodes.Status422UnprocessableEntity, "Something in the request is not as described");
        if (notes.TakesText || notes.Body is not null) Refuses(StatusCodes.Status413PayloadTooLarge, "The body is too large");
        if (isWrite) Refuses(StatusCodes.Status503ServiceUnavailable, "The event log cannot be written just now; ask again");
        if (isWrite && responses.ContainsKey("401")) Refuses(StatusCodes.Status410Gone, "The caller's agent was deregistered");
        if (responses.ContainsKey("401"))
            (operation.Security ??= []).Add(new() { [new OpenApiSecuritySchemeReference(Bearer, context.Document)] = [] });

        void Refuses(int status, string description) => responses.TryAdd(status.ToString(CultureInfo.InvariantCulture), new OpenApiResponse
        {
            Description = description,
            Content = new Dictionary<string, OpenApiMediaType> { [Wire.Json] = new() { Schema = new OpenApiSchemaReference(nameof(ErrorDetail), context.Document) } },
        });
    }

    private static IEnumerable<string> PathParts(string path) =>
        path.Split('{').Skip(1).Select(part => part[..part.IndexOf('}')].TrimStart('*').Split(':')[0]);

    private static OpenApiSchema Schema(IReadOnlyCollection<FieldNote> fields, bool strict) => new()
    {
        Type = JsonSchemaType.Object,
        Properties = fields.ToDictionary(field => field.Name, IOpenApiSchema (field) => Schema(field)),
        Required = fields.Where(field => field.Required).Select(field => field.Name).ToHashSet(),
        AdditionalPropertiesAllowed = !strict,
    };

    private static OpenApiSchema Schema(FieldNote field)
    {
        var schema = new OpenApiSchema { Type = TypeOf(field.Type) };
        if (field.Type == "string") (schema.MinLength, schema.MaxLength) = ((int?)field.Min, (int?)field.Max);
        if (field.Type == "integer") (schema.Minimum, schema.Maximum) = (Number(field.Min), Number(field.Max));
        if (field.Items is { } items) schema.Items = new OpenApiSchema { Type = TypeOf(items) };
        if (field.Values is { } values) schema.Enum = [.. values.Select(value => System.Text.Json.Nodes.JsonValue.Create(value))];
        return schema;
    }

    private static string? Number(long? number) => number?.ToString(CultureInfo.InvariantCulture);

    private static JsonSchemaType TypeOf(string type) => type switch
    {
        "integer" => JsonSchemaType.Integer,
        "boolean" => JsonSchemaType.Boolean,
        "object" => JsonSchemaType.Object,
        "array" => JsonSchemaType.Array,
        _ => JsonSchemaType.String,
    };
}

/// <summary>The handler of an endpoint, for a dry run.</summary>
internal sealed record DryRun(Func<HttpContext, Task> Handler);
