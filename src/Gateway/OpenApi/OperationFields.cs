using System.Globalization;
using System.Text.Json;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Requests;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Beadhub.Gateway.OpenApi;

/// <summary>
/// Completes the description of an operation by what its endpoint asks for (<see cref="FieldNotes"/>), and by the refusals that follow from
/// what it is: endpoints name only those that are their own.
/// </summary>
internal static class OperationFields
{
    /// <summary>Name of the security scheme.</summary>
    public const string Bearer = "bearer";

    public static async Task Describe(
        OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellation)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        if (metadata.OfType<RequestShape>().FirstOrDefault() is { } shape)
        {
            DescribedRequest.Describe(operation, shape, context.Document!);
            return;
        }

        if (metadata.OfType<DryRun>().FirstOrDefault() is not { } endpoint) return;
        var notes = await FieldNotes.Take(endpoint.Handler, context.ApplicationServices);
        var path = context.Description.RelativePath ?? "";
        var isWrite = context.Description.HttpMethod is not "GET";
        var takesKey = isWrite && path.StartsWith("v1/", StringComparison.Ordinal) && !UnkeptAnswers.Has($"/{path}");

        operation.OperationId = NameOf(endpoint.Handler.Method);
        var parameters = operation.Parameters ??= [];
        foreach (var part in PathParts(path))
            Takes(ParameterLocation.Path, FieldNote.Text(part, required: true, 0, int.MaxValue));
        foreach (var field in notes.Query)
            Takes(ParameterLocation.Query, field);
        foreach (var field in notes.Headers)
            Takes(ParameterLocation.Header, field);
        if (takesKey)
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
            operation.RequestBody = Body(required: true, "text/plain", new OpenApiSchema { Type = JsonSchemaType.String });
        else if (notes.Body is { } fields)
            operation.RequestBody = Body(!notes.MayBeMissing, Wire.Json, Schema(fields, notes.IsStrict));

        var responses = operation.Responses ??= [];
        var identifies = responses.ContainsKey("401");
        // An empty requirement says that none is needed.
        operation.Security = [identifies ? new() { [new OpenApiSecuritySchemeReference(Bearer, context.Document)] = [] } : []];
        // Works without credentials; but when there are some, they must be good.
        if (identifies && metadata.OfType<IAllowAnonymous>().Any()) operation.Security!.Add([]);
        var takesBody = notes.TakesText || notes.Body is not null;

        var rules = Refusals.Of(identifies, isWrite, takesKey, takesBody, hasParameters: notes.Query.Count > 0 || path.Contains('{'));
        var own = responses.Keys.Select(status => int.Parse(status, CultureInfo.InvariantCulture)).Where(status => status >= 400).ToArray();
        foreach (var status in rules.Union(own)) Refusals.Add(responses, status, context.Document!);
        operation.Responses = [];
        foreach (var (status, response) in responses.OrderBy(response => response.Key, StringComparer.Ordinal))
            operation.Responses.Add(status, response);

        void Takes(ParameterLocation place, FieldNote field) =>
            parameters.Add(new OpenApiParameter { Name = field.Name, In = place, Required = field.Required, Schema = Schema(field) });
    }

    private static OpenApiRequestBody Body(bool required, string type, OpenApiSchema schema) =>
        new() { Required = required, Content = new Dictionary<string, OpenApiMediaType> { [type] = new() { Schema = schema } } };

    /// <summary>A name for programs: the resource and what is done, for example <c>reservationsAcquire</c>.</summary>
    private static string NameOf(System.Reflection.MethodInfo handler) =>
        JsonNamingPolicy.CamelCase.ConvertName($"{handler.DeclaringType!.Name}{handler.Name}");

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
        var schema = Schema(field.Type);
        if (field.Type == "string") (schema.MinLength, schema.MaxLength) = ((int?)field.Min, (int?)field.Max);
        if (field.Type == "integer") (schema.Minimum, schema.Maximum) = (Number(field.Min), Number(field.Max));
        if (field.Items is { } items) schema.Items = Schema(items);
        if (field.Values is { } values) schema.Enum = [.. values.Select(value => System.Text.Json.Nodes.JsonValue.Create(value))];
        return schema;
    }

    // An object without a word about its properties is taken for an empty one.
    private static OpenApiSchema Schema(string type) =>
        new() { Type = TypeOf(type), AdditionalProperties = type == "object" ? new OpenApiSchema() : null };

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
