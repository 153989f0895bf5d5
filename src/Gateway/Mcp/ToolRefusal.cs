using System.Globalization;
using System.Text;
using System.Text.Json;
using ModelContextProtocol.Protocol;

namespace Beadhub.Gateway.Mcp;

/// <summary>What a tool refuses, as a result that a model reads: what is wrong, and what helps it to go on.</summary>
internal static class ToolRefusal
{
    private const int MostConflicts = 20;

    /// <param name="tool">The tool.</param>
    /// <param name="status">The status of the request that it is.</param>
    /// <param name="message">What is wrong.</param>
    /// <param name="data">The whole answer, where it says more.</param>
    /// <param name="now">Now.</param>
    public static CallToolResult Of(McpTool tool, int status, string message, ReadOnlyMemory<byte>? data, DateTimeOffset now)
    {
        var text = new StringBuilder(message);
        if (data is { } json && status == StatusCodes.Status409Conflict) AddHolders(text, json, now);
        var hint = status switch
        {
            StatusCodes.Status404NotFound => tool.WhenNotFound,
            StatusCodes.Status422UnprocessableEntity when !message.StartsWith("Unknown argument", StringComparison.Ordinal) => tool.Usage(),
            StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable => "Wait a moment, then try again.",
            _ => null,
        };
        if (hint is not null) text.Append('\n').Append(hint);
        return new() { IsError = true, Content = [new TextContentBlock { Text = text.ToString() }] };
    }

    /// <summary>Who holds what, until when, and how long that is.</summary>
    private static void AddHolders(StringBuilder text, ReadOnlyMemory<byte> json, DateTimeOffset now)
    {
        using var answer = JsonDocument.Parse(json);
        if (!answer.RootElement.TryGetProperty("conflicts", out var conflicts)) return;
        foreach (var conflict in conflicts.EnumerateArray().Take(MostConflicts))
        {
            var until = conflict.GetProperty("expires_at").GetDateTimeOffset();
            text.Append(CultureInfo.InvariantCulture,
                $"\n{conflict.GetProperty("resource_key").GetString()}: held by {conflict.GetProperty("holder_alias").GetString()} ");
            if (conflict.GetProperty("held_key").GetString() is { } held && held != conflict.GetProperty("resource_key").GetString())
                text.Append(CultureInfo.InvariantCulture, $"as {held} ");
            text.Append(CultureInfo.InvariantCulture,
                $"until {until.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'} (in {Math.Max(0, (int)(until - now).TotalSeconds)} s)");
        }

        text.Append("\nWork on something else, write to the holder, or try again then.");
    }
}
