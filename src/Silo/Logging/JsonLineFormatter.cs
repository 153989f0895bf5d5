using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Beadhub.Silo.Logging;

/// <summary>One JSON object a line: timestamp, level, logger, message, then what the message names, the trace, and the exception (contract
/// 21).</summary>
internal sealed class JsonLineFormatter(TimeProvider time) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "json-line";

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly string[] Own = ["timestamp", "level", "logger", "message", "exception", "trace_id", "span_id"];

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            json.WriteString("timestamp", time.GetUtcNow());
            json.WriteString("level", logEntry.LogLevel.ToString().ToLowerInvariant());
            json.WriteString("logger", logEntry.Category);
            json.WriteString("message", Redaction.Clean(logEntry.Formatter(logEntry.State, logEntry.Exception)));
            if (logEntry.State is IReadOnlyList<KeyValuePair<string, object?>> named) WriteFields(json, named);
            if (Activity.Current is { Recorded: true } span)
            {
                json.WriteString("trace_id", span.TraceId.ToHexString());
                json.WriteString("span_id", span.SpanId.ToHexString());
            }

            if (logEntry.Exception is { } exception) json.WriteString("exception", Redaction.Clean(exception.ToString()));
            json.WriteEndObject();
        }

        textWriter.WriteLine(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }

    private static void WriteFields(Utf8JsonWriter json, IReadOnlyList<KeyValuePair<string, object?>> named)
    {
        foreach (var (name, value) in named)
        {
            if (name.Length == 0 || name[0] == '{') continue;
            var field = JsonNamingPolicy.SnakeCaseLower.ConvertName(name);
            if (Own.Contains(field)) continue;
            switch (value)
            {
                case null:
                    json.WriteNull(field);
                    break;
                case int or long or short or byte:
                    json.WriteNumber(field, Convert.ToInt64(value, CultureInfo.InvariantCulture));
                    break;
                case double number when double.IsFinite(number):
                    json.WriteNumber(field, number);
                    break;
                case bool flag:
                    json.WriteBoolean(field, flag);
                    break;
                default:
                    json.WriteString(field, Redaction.Clean(Convert.ToString(value, CultureInfo.InvariantCulture) ?? ""));
                    break;
            }
        }
    }
}
