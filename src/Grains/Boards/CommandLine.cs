namespace Beadhub.Boards;

/// <summary>A command line of the client's bead tool, as far as the server reads it (contract 8.1).</summary>
/// <param name="Command">First word; empty for a blank line.</param>
/// <param name="BeadId">Second word of update, close, delete and reopen, unless it is an option.</param>
/// <param name="Status">What <c>update</c> sets the status to; null when it does not.</param>
internal readonly record struct CommandLine(string Command, string? BeadId, string? Status)
{
    /// <summary>Whether it starts work on <see cref="BeadId"/>, which claims it (contract 9.2).</summary>
    public bool Claims => BeadId is not null && Command == "update" && Status == "in_progress";

    /// <summary>Whether it ends work on <see cref="BeadId"/>, which releases every claim on it (contract 9.2).</summary>
    public bool Releases =>
        BeadId is not null && (Command is "close" or "delete" || Command == "update" && Status is not null and not "in_progress");

    /// <summary>Splits at white space; quotes mean nothing.</summary>
    public static CommandLine Parse(string? text)
    {
        var words = (text ?? "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        var command = words is [var first, ..] ? first : "";
        var beadId = command is "update" or "close" or "delete" or "reopen" && words is [_, var second, ..]
            && !second.StartsWith("--", StringComparison.Ordinal)
            ? second
            : null;
        return new(command, beadId, command == "update" ? StatusIn(words) : null);
    }

    private static string? StatusIn(string[] words)
    {
        const string option = "--status", assigned = option + "=";
        for (var i = 1; i < words.Length; i++)
        {
            if (words[i] == option) return i + 1 < words.Length ? words[i + 1] : null;
            if (words[i].StartsWith(assigned, StringComparison.Ordinal))
                return words[i].Length > assigned.Length ? words[i][assigned.Length..] : null;
        }

        return null;
    }
}
