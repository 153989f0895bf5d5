using Beadhub.Hosting.EventLogs;
using Npgsql;

namespace Beadhub.Silo.Tests.EventLogs;

public sealed class DatabaseUrlTests
{
    [Theory]
    [InlineData("sqlite:/var/lib/beadhub/b.db", "/var/lib/beadhub/b.db")]
    [InlineData("sqlite:///var/lib/b.db", "/var/lib/b.db")]
    [InlineData("SQLITE:/b.db", "/b.db")]
    public void SQLite_is_named_by_a_path(string url, string path)
    {
        DatabaseUrl.Parse(url).SqlitePath.ShouldBe(path);
        DatabaseUrl.Parse(url).Description.ShouldBe("sqlite " + path);
    }

    [Fact]
    public void A_relative_path_starts_at_the_working_directory() =>
        DatabaseUrl.Parse("sqlite:data/b.db").SqlitePath.ShouldBe(Path.Combine(Environment.CurrentDirectory, "data/b.db"));

    [Theory]
    [InlineData("postgres://u:p@db:6543/beads", "db", 6543, "u", "p", "beads")]
    [InlineData("postgresql://u%40corp:p%2Fa%3Ass%20%25@db/beads", "db", 5432, "u@corp", "p/a:ss %", "beads")]
    [InlineData("postgres://u@[::1]:6543/beads", "::1", 6543, "u", null, "beads")]
    [InlineData("postgres://u:p@/beads?host=/run/postgresql&port=6000", "/run/postgresql", 6000, "u", "p", "beads")]
    [InlineData("postgres://db/beads?user=u&password=p%26q", "db", 5432, "u", "p&q", "beads")]
    [InlineData("postgres://u:p:q@db/with%20space", "db", 5432, "u", "p:q", "with space")]
    [InlineData("Host=db;Port=7000;Username=u;Password=p;Database=beads", "db", 7000, "u", "p", "beads")]
    [InlineData("postgres://u@/", "localhost", 5432, "u", null, "u")]
    public void PostgreSQL_is_named_as_elsewhere(string url, string host, int port, string user, string? password, string database)
    {
        var parsed = DatabaseUrl.Parse(url);
        var settings = new NpgsqlConnectionStringBuilder(parsed.ConnectionString);
        (settings.Host, settings.Port, settings.Username, settings.Password, settings.Database)
            .ShouldBe((host, port, user, password, database));
        parsed.Description.ShouldBe($"postgres {host}:{port}/{database}");
    }

    [Fact]
    public void Options_have_their_usual_names()
    {
        var settings = new NpgsqlConnectionStringBuilder(
            DatabaseUrl.Parse("postgres://db/beads?sslmode=verify-full&application_name=mine&connect_timeout=3").ConnectionString);
        (settings.SslMode, settings.ApplicationName, settings.Timeout).ShouldBe((SslMode.VerifyFull, "mine", 3));
    }

    [Fact]
    public void Several_hosts_pass_through() =>
        new NpgsqlConnectionStringBuilder(DatabaseUrl.Parse("postgres://u@a:1,b:2/beads").ConnectionString).Host.ShouldBe("a:1,b:2");

    [Theory]
    [InlineData("")]
    [InlineData("sqlite:")]
    [InlineData("mysql://u:s3cret@db/beads")]
    [InlineData("beads.db")]
    [InlineData("Host=db;Pasword=s3cret")]
    [InlineData("postgres://u:s3cret@db:port/beads")]
    [InlineData("postgres://u:s3cret@db/beads?colour=s3cret")]
    [InlineData("postgres://u:s3cret@db/beads?sslmode=s3cret")]
    public void Anything_else_is_refused_without_repeating_it(string url) =>
        Should.Throw<ArgumentException>(() => DatabaseUrl.Parse(url)).ToString().ShouldNotContain("s3cret");
}
