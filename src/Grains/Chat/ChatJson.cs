using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Beadhub.Chat;

/// <summary>JSON of the snapshots of chat sessions.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ChatSession))]
[JsonSerializable(typeof(ChatSent))]
internal sealed partial class ChatJson : JsonSerializerContext
{
    /// <summary>Leaves text readable: nothing here is ever put into HTML.</summary>
    public static ChatJson Relaxed => field ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
