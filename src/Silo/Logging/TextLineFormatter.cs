using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Beadhub.Silo.Logging;

/// <summary>One line for people: time, level, logger, message; the exception below it.</summary>
internal sealed class TextLineFormatter(TimeProvider time) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "text-line";

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var at = time.GetLocalNow().ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);
        var message = Redaction.Clean(logEntry.Formatter(logEntry.State, logEntry.Exception));
        textWriter.WriteLine($"{at} {Word(logEntry.LogLevel)} {logEntry.Category}: {message}");
        if (logEntry.Exception is { } exception) textWriter.WriteLine(Redaction.Clean(exception.ToString()));
    }

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Information => "info ",
        LogLevel.Warning => "warn ",
        LogLevel.Critical => "fatal",
        _ => level.ToString().ToLowerInvariant(),
    };
}
