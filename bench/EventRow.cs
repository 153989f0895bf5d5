using Npgsql;
using NpgsqlTypes;

namespace Beadhub.Bench;

/// <summary>A row of the server's event table.</summary>
internal sealed record EventRow(string Project, long Position, string Kind, string Key, long Version, string Type, string Data, DateTime At)
{
    /// <summary>Reads the whole table.</summary>
    public static async Task<List<EventRow>> All(NpgsqlConnection connection)
    {
        var rows = new List<EventRow>();
        await using var command =
            new NpgsqlCommand("SELECT project, position, kind, key, version, type, data, at FROM events ORDER BY project, position",
            connection);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
            rows.Add(new(reader.GetString(0), reader.GetInt64(1), reader.GetString(2), reader.GetString(3), reader.GetInt64(4),
                reader.GetString(5), reader.GetString(6), reader.GetDateTime(7)));
        return rows;
    }

    public async Task Write(NpgsqlBinaryImporter import)
    {
        await import.StartRowAsync();
        await import.WriteAsync(Project, NpgsqlDbType.Text);
        await import.WriteAsync(Position, NpgsqlDbType.Bigint);
        await import.WriteAsync(Kind, NpgsqlDbType.Text);
        await import.WriteAsync(Key, NpgsqlDbType.Text);
        await import.WriteAsync(Version, NpgsqlDbType.Bigint);
        await import.WriteAsync(Type, NpgsqlDbType.Text);
        await import.WriteAsync(Data, NpgsqlDbType.Text);
        await import.WriteAsync(At, NpgsqlDbType.TimestampTz);
    }
}
