namespace Beadhub.Commands;

/// <summary>How client commands end; <c>docs/command-line.md</c> lists them.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>The server refused, or something on this machine is not in order.</summary>
    public const int Failed = 1;

    /// <summary>The command line cannot be understood.</summary>
    public const int Usage = 2;

    /// <summary>There is no such thing, nothing is ready, or nobody answered in time.</summary>
    public const int Nothing = 3;

    /// <summary>Somebody else has it.</summary>
    public const int Taken = 4;

    /// <summary>No key, or one that does not open this.</summary>
    public const int Refused = 5;

    /// <summary>No server answers.</summary>
    public const int Unreachable = 6;

    /// <summary>Something is left over that another run, or a person, has to settle; also: a check found something to do.</summary>
    public const int Unsettled = 7;
}

/// <summary>A command cannot be carried out; the message says why, in one sentence.</summary>
internal sealed class CommandException(string message, int exitCode = ExitCode.Failed) : Exception(message)
{
    public int ExitCode => exitCode;
}
