using StackExchange.Redis;

namespace Beadhub.Hosting.Cluster.Redis;

/// <summary>What <c>BEADHUB_REDIS_URL</c> says: <c>redis://[user:password@]host[:port][/database]</c>, <c>rediss://…</c> with TLS, or the
/// client library's own notation.</summary>
/// <param name="Options">For the client library.</param>
/// <param name="Description">Fit for display: without password.</param>
internal sealed record RedisUrl(ConfigurationOptions Options, string Description)
{
    private const int DefaultPort = 6379;

    /// <exception cref="SettingsException">It cannot be understood. The text is not repeated: it may hold a password.</exception>
    public static RedisUrl Parse(string text)
    {
        var options = text.Contains("://", StringComparison.Ordinal) ? FromUrl(text) : FromNotation(text);
        if (options.EndPoints.Count == 0) throw Bad();
        // Redis is never waited for: what it is asked while it is away fails at once, and it is connected to again in the background.
        options.AbortOnConnectFail = false;
        options.ConnectTimeout = 2000;
        options.KeepAlive = 5;
        options.ClientName = "beadhub";
        return new(options,
            $"redis://{string.Join(',', options.EndPoints.Select(static e => e.ToString()!.Replace("Unspecified/", "")))}"
            + $"/{options.DefaultDatabase ?? 0}");
    }

    private static ConfigurationOptions FromUrl(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("redis" or "rediss") || url.Host.Length == 0)
            throw Bad();
        var options = new ConfigurationOptions { Ssl = url.Scheme == "rediss" };
        options.EndPoints.Add(url.Host, url.Port > 0 ? url.Port : DefaultPort);
        // A user without a password is none: "redis://secret@host" is a common spelling of the password alone.
        var credentials = url.UserInfo.Split(':', 2);
        if (credentials[^1] is { Length: > 0 } password) options.Password = Uri.UnescapeDataString(password);
        if (credentials is [{ Length: > 0 } user, _] && user != "default")
            throw new SettingsException("BEADHUB_REDIS_URL: only the user 'default' is supported; leave the user out");
        if (url.AbsolutePath.Trim('/') is { Length: > 0 } database)
            options.DefaultDatabase = int.TryParse(database, out var number) && number >= 0 ? number : throw Bad();
        return options;
    }

    private static ConfigurationOptions FromNotation(string text)
    {
        try
        {
            return ConfigurationOptions.Parse(text);
        }
        catch (ArgumentException)
        {
            throw Bad();
        }
    }

    private static SettingsException Bad() => new("BEADHUB_REDIS_URL must look like redis://[:password@]host[:port][/database]");
}
