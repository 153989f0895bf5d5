using Npgsql;

namespace Beadhub.Hosting.EventLogs;

/// <summary>A database URL, understood. Nothing here ever repeats a password.</summary>
/// <param name="SqlitePath">Path of the database file, when it is SQLite.</param>
/// <param name="ConnectionString">For Npgsql, when it is PostgreSQL.</param>
/// <param name="Description">For people: where the database is, without user and password.</param>
internal sealed record DatabaseUrl(string? SqlitePath, string? ConnectionString, string Description)
{
    private const string Forms =
        "Write sqlite:PATH, postgres://user:password@host:port/database, or an Npgsql connection string (Host=…;Database=…).";

    // What libpq calls the options that people put into URLs, and what Npgsql calls them.
    private static readonly Dictionary<string, string> Options = new(StringComparer.OrdinalIgnoreCase)
    {
        ["host"] = "Host",
        ["port"] = "Port",
        ["user"] = "Username",
        ["password"] = "Password",
        ["dbname"] = "Database",
        ["sslmode"] = "SSL Mode",
        ["sslrootcert"] = "Root Certificate",
        ["sslcert"] = "SSL Certificate",
        ["sslkey"] = "SSL Key",
        ["application_name"] = "Application Name",
        ["connect_timeout"] = "Timeout",
        ["target_session_attrs"] = "Target Session Attributes",
        ["options"] = "Options",
    };

    /// <exception cref="ArgumentException">It is none of the three forms.</exception>
    public static DatabaseUrl Parse(string url)
    {
        if (string.IsNullOrWhiteSpace(url)) throw new ArgumentException("The database URL is empty. " + Forms);
        if (url.StartsWith("sqlite:", StringComparison.OrdinalIgnoreCase)) return Sqlite(url["sqlite:".Length..]);
        foreach (var scheme in (string[])["postgres://", "postgresql://"])
        {
            if (url.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)) return Postgres(url[scheme.Length..]);
        }
        if (url.Contains('=')) return Npgsql(url);
        throw new ArgumentException("The database URL is of no known form. " + Forms);
    }

    private static DatabaseUrl Sqlite(string path)
    {
        // sqlite:///absolute and sqlite://relative are common elsewhere; both mean what they look like.
        if (path.StartsWith("//", StringComparison.Ordinal)) path = path[2..];
        if (path.Length == 0) throw new ArgumentException("The database URL names no file. " + Forms);
        path = Path.GetFullPath(path);
        return new DatabaseUrl(path, null, "sqlite " + path);
    }

    private static DatabaseUrl Postgres(string rest)
    {
        var builder = new NpgsqlConnectionStringBuilder();
        var query = "";
        if (rest.IndexOf('?') is var mark and >= 0) (rest, query) = (rest[..mark], rest[(mark + 1)..]);
        var database = "";
        if (rest.IndexOf('/') is var slash and >= 0) (rest, database) = (rest[..slash], rest[(slash + 1)..]);
        if (rest.LastIndexOf('@') is var at and >= 0)
        {
            var user = rest[..at];
            rest = rest[(at + 1)..];
            if (user.IndexOf(':') is var colon and >= 0)
            {
                builder.Password = Decode(user[(colon + 1)..]);
                user = user[..colon];
            }
            if (user.Length > 0) builder.Username = Decode(user);
        }
        // A list of hosts, each perhaps with a port, is Npgsql's own notation too.
        if (rest.IndexOf(',') < 0 && rest.LastIndexOf(':') is var port and >= 0 && port > rest.LastIndexOf(']'))
        {
            if (!int.TryParse(rest[(port + 1)..], out var number) || number is < 1 or > 65535)
                throw new ArgumentException("The port in the database URL is not a number from 1 to 65535. " + Forms);
            builder.Port = number;
            rest = rest[..port];
        }
        if (rest.Length > 0) builder.Host = Decode(rest.Trim('[', ']'));
        if (database.Length > 0) builder.Database = Decode(database);

        foreach (var pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = pair.IndexOf('=') is var equals and >= 0
                ? (Decode(pair[..equals]), Decode(pair[(equals + 1)..]))
                : (Decode(pair), "");
            if (name.Equals("sslmode", StringComparison.OrdinalIgnoreCase)) value = value.Replace("-", "", StringComparison.Ordinal);
            try
            {
                builder[Options.GetValueOrDefault(name, name)] = value;
            }
            catch (Exception unknown) when (unknown is ArgumentException or FormatException or InvalidCastException or OverflowException)
            {
                throw new ArgumentException($"The option '{name}' in the database URL is unknown or its value cannot be read.");
            }
        }
        return Finish(builder);
    }

    private static DatabaseUrl Npgsql(string connectionString)
    {
        try
        {
            return Finish(new NpgsqlConnectionStringBuilder(connectionString));
        }
        catch (Exception unreadable) when (unreadable is ArgumentException or FormatException or InvalidCastException or OverflowException)
        {
            // The inner exception is left out: it may quote the text, and with it a password.
            throw new ArgumentException("The database URL is of no known form. " + Forms);
        }
    }

    private static DatabaseUrl Finish(NpgsqlConnectionStringBuilder builder)
    {
        if (string.IsNullOrEmpty(builder.Host)) builder.Host = "localhost";
        builder.Database ??= builder.Username;
        builder.ApplicationName ??= "beadhub";
        return new DatabaseUrl(null, builder.ConnectionString, $"postgres {builder.Host}:{builder.Port}/{builder.Database}");
    }

    private static string Decode(string text) => Uri.UnescapeDataString(text);
}
