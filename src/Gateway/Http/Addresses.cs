namespace Beadhub.Gateway.Http;

/// <summary>Addresses of agents: <c>slug/alias</c> (protocol 7.2).</summary>
internal static class Addresses
{
    /// <summary>The address of an agent; an alias that holds a slash is an address already.</summary>
    public static string Of(string projectSlug, string alias) =>
        projectSlug.Length == 0 || alias.Contains('/') ? alias : $"{projectSlug}/{alias}";

    /// <summary>The addresses of several, in their order.</summary>
    public static string Of(string projectSlug, IEnumerable<string> aliases) =>
        string.Join(',', aliases.Select(alias => Of(projectSlug, alias)));
}
