using System.CommandLine;

namespace Beadhub.Commands;

/// <summary><c>beadhub completion</c>: scripts by which shells complete command lines. What is possible the program itself says.</summary>
internal static class CompletionCommand
{
    private static readonly Dictionary<string, string> Scripts = new()
    {
        ["bash"] = """
            _beadhub() {
                local line="${COMP_LINE:0:COMP_POINT}"
                local word="${COMP_WORDS[COMP_CWORD]}"
                COMPREPLY=()
                local candidate
                while IFS= read -r candidate; do
                    [[ "$candidate" == "$word"* ]] && COMPREPLY+=("$candidate")
                done < <(beadhub "[suggest:${#line}]" "$line" 2>/dev/null)
            }
            complete -o default -F _beadhub beadhub
            """,
        ["zsh"] = """
            #compdef beadhub
            _beadhub() {
                local line="${(j: :)words[1,CURRENT]}"
                local -a candidates
                candidates=("${(@f)$(beadhub "[suggest:${#line}]" "$line" 2>/dev/null)}")
                compadd -- "${candidates[@]}" || _files
            }
            compdef _beadhub beadhub
            """,
        ["fish"] = """
            function __beadhub_complete
                set -l line (commandline -cp)
                beadhub "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
            end
            complete -c beadhub -a '(__beadhub_complete)'
            """,
        ["powershell"] = """
            Register-ArgumentCompleter -Native -CommandName beadhub -ScriptBlock {
                param($wordToComplete, $commandAst, $cursorPosition)
                $line = $commandAst.ToString().PadRight($cursorPosition).Substring(0, $cursorPosition)
                beadhub "[suggest:$($line.Length)]" "$line" 2>$null | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
                    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
                }
            }
            """,
    };

    public static Command Create()
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh, fish or powershell" };
        shell.AcceptOnlyFromAmong([.. Scripts.Keys]);
        var command = new Command("completion",
            "Print a script for a shell to complete command lines with: source it where your shell begins.") { shell };
        command.SetAction(parsed => Console.Out.WriteLine(Scripts[parsed.GetValue(shell)!]));
        return command;
    }
}
