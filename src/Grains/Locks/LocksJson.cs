using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Beadhub.Locks;

/// <summary>JSON of the snapshots of locks.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Locks))]
[JsonSerializable(typeof(AcquireOutcome))]
[JsonSerializable(typeof(DateTimeOffset))]
[JsonSerializable(typeof(bool))]
[JsonSerializable(typeof(ImmutableArray<string>))]
internal sealed partial class LocksJson : JsonSerializerContext
{
    /// <summary>Leaves text readable: nothing here is ever put into HTML.</summary>
    public static LocksJson Relaxed => field ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
