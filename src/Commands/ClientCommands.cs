using System.CommandLine;

namespace Beadhub.Commands;

/// <summary>The commands of a client, all over HTTP. They start no host and load nothing of the server.</summary>
internal static class ClientCommands
{
    /// <summary>All of them, in the order in which help shows them.</summary>
    public static IEnumerable<Command> All() =>
    [
        InitCommand.Create(),
        .. TeamCommands.Create(),
        .. WorkCommands.Create(),
        .. TalkCommands.Create(),
        LockCommand.Create(),
        .. TransferCommands.Create(),
        BackupCommands.Create(),
        HistoryCommand.Create(),
        Sync.SyncCommand.Create(),
        Setup.SetupCommand.Create(),
        CompletionCommand.Create(),
    ];

    /// <summary><c>help</c>: what <c>--help</c> of a command says.</summary>
    public static Command Help(RootCommand root)
    {
        var words = new Argument<string[]>("command") { Description = "Of which command", Arity = ArgumentArity.ZeroOrMore };
        var help = new Command("help", "Show what a command does.") { words };
        help.SetAction((parsed, cancellation) => root.Parse([.. parsed.GetValue(words)!, "--help"])
            .InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null }, cancellation));
        return help;
    }
}
