using Npgsql;
using NpgsqlTypes;

namespace Beadhub.Silo.EventLogs.Postgres;

/// <summary>
/// Finds out whether a batch was written whose connection broke before the server could say: whether its events are there. They are all or none, since they
/// went in one transaction; another node's event in the same place differs in its content or its time.
/// </summary>
internal static class WrittenBatch
{
    private const string Firsts = """
        SELECT w.ordinal, e.position, e.type, e.data, e.at
        FROM unnest($1, $2, $3) WITH ORDINALITY AS w (kind, key, version, ordinal) JOIN events e ON e.kind = w.kind AND e.key = w.key AND e.version = w.version
        """;

    /// <summary>Looks; when it was written, each append learns its position, or that it was refused.</summary>
    public static bool Find(NpgsqlConnection connection, IReadOnlyList<PendingAppend> batch)
    {
        using var command = new NpgsqlCommand(Firsts, connection)
        {
            Parameters =
            {
                new NpgsqlParameter<string[]> { TypedValue = [.. batch.Select(static pending => pending.Append.Stream.Kind)] },
                new NpgsqlParameter<string[]> { TypedValue = [.. batch.Select(static pending => pending.Append.Stream.Key)] },
                new NpgsqlParameter<long[]> { TypedValue = [.. batch.Select(static pending => pending.Append.ExpectedVersion + 1)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint },
            },
        };
        var written = false;
        foreach (var pending in batch) pending.FirstPosition = 0;
        using var rows = command.ExecuteReader();
        while (rows.Read())
        {
            var pending = batch[(int)rows.GetInt64(0) - 1];
            var first = pending.Append.Events[0];
            if (rows.GetString(2) != first.Type || rows.GetString(3) != first.Data || rows.GetDateTime(4) != pending.At(0)) continue;
            pending.FirstPosition = rows.GetInt64(1);
            written = true;
        }
        return written;
    }
}
