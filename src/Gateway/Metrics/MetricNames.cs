namespace Beadhub.Gateway.Metrics;

/// <summary>What Prometheus calls an instrument, by OpenTelemetry's rules: <c>http.server.request.duration</c> in <c>s</c> is
/// <c>http_server_request_duration_seconds</c>.</summary>
internal static class MetricNames
{
    /// <summary>The name of an instrument's family.</summary>
    /// <param name="name">The instrument's name.</param>
    /// <param name="unit">Its unit, in UCUM's notation; what is in braces is no unit.</param>
    /// <param name="isCounter">Whether it only ever grows.</param>
    public static string Of(string name, string? unit, bool isCounter)
    {
        var text = Identifier(name);
        var suffix = unit switch
        {
            "s" => "_seconds",
            "ms" => "_milliseconds",
            "By" => "_bytes",
            _ => "",
        };
        if (!text.EndsWith(suffix, StringComparison.Ordinal)) text += suffix;
        if (isCounter) return text.EndsWith("_total", StringComparison.Ordinal) ? text : text + "_total";
        // Prometheus keeps this ending for histograms.
        return text.EndsWith("_count", StringComparison.Ordinal) ? text[..^"_count".Length] + "_current" : text;
    }

    /// <summary>Letters, digits and underscores.</summary>
    public static string Identifier(string name)
    {
        var text = string.Concat(name.Select(static c => char.IsAsciiLetterOrDigit(c) ? c : '_'));
        return text.Length > 0 && char.IsAsciiDigit(text[0]) ? "_" + text : text;
    }
}
