using System.Text.Encodings.Web;
using System.Text.Json;

namespace Beadhub.Gateway.Http;

/// <summary>How JSON leaves the gateway: snake_case, text readable, times in UTC with an offset (contract 0.4).</summary>
internal static class Wire
{
    public const string Json = "application/json";

    public static readonly JsonWriterOptions WriterOptions =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    public static readonly WireJson Types =
        new(new JsonSerializerOptions(WireJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
