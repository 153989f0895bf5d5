using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Beadhub.Tasks;

/// <summary>JSON of the snapshots of tasks.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(TaskBook))]
[JsonSerializable(typeof(TaskTalk))]
[JsonSerializable(typeof(NativeTask))]
[JsonSerializable(typeof(TaskCommented))]
internal sealed partial class TaskJson : JsonSerializerContext
{
    /// <summary>Leaves text readable: nothing here is ever put into HTML.</summary>
    public static TaskJson Relaxed => field ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
