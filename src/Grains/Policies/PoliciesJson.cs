using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Beadhub.Policies;

/// <summary>JSON of the snapshots of policies.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Policies))]
[JsonSerializable(typeof(PolicyLine))]
internal sealed partial class PoliciesJson : JsonSerializerContext
{
    /// <summary>Leaves text readable: nothing here is ever put into HTML.</summary>
    public static PoliciesJson Relaxed => field ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
