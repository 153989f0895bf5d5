namespace Beadhub.Commands;

/// <summary>Where the server is and who calls it: from flags, the environment, or what <c>bdh</c> and <c>beadhub init</c> write.</summary>
/// <param name="Url">Address of the server.</param>
/// <param name="Key">API key; null when there is none.</param>
/// <param name="Workspace">The folder's workspace; null when there is none, or when the key may be another agent's.</param>
internal sealed record Connection(string Url, string? Key, WorkspaceFile? Workspace)
{
    public const string DefaultUrl = "http://localhost:8000";

    /// <summary>Flags before the environment before files.</summary>
    /// <param name="url">The flag, if given.</param>
    /// <param name="key">The flag, if given.</param>
    /// <param name="folder">Where the command runs.</param>
    /// <param name="variable">Reads the environment.</param>
    public static Connection Find(string? url, string? key, string folder, Func<string, string?> variable)
    {
        var file = WorkspaceFile.Find(folder);
        var told = NotEmpty(key) ?? NotEmpty(variable("BEADHUB_API_KEY"));
        var address = NotEmpty(url) ?? NotEmpty(variable("BEADHUB_URL")) ?? file?.Url ?? DefaultUrl;
        return told is not null ? new(address, told, null) : new(address, AccountFile.Of(variable).KeyFor(file, address), file);
    }

    private static string? NotEmpty(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
