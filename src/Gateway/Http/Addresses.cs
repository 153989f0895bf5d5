namespace Beadhub.Gateway.Http;

/// <summary>Addresses of agents, as messages carry them: project slug, slash, alias (protocol 7.2).</summary>
internal static class Addresses
{
    /// <summary>Address of one agent.</summary>
    public static string Of(string slug, string alias) => slug.Length == 0 || alias.Contains('/') ? alias : $"{slug}/{alias}";

    /// <summary>Addresses of several, in their order.</summary>
    public static string Of(string slug, IEnumerable<string> aliases) => string.Join(',', aliases.Select(alias => Of(slug, alias)));
}
