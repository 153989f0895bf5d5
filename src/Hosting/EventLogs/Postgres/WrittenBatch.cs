using Npgsql;
using NpgsqlTypes;

namespace Beadhub.Hosting.EventLogs.Postgres;

/// <summary>
/// Finds out whether a batch was written whose connection broke before the server could say: whether its events are there. They are all or
/// none, since they went in one transaction; another node's event in the same place differs in its content or its time. What may have come
/// at any version is found by its mark.
/// </summary>
internal static class WrittenBatch
{
    /// <summary>Looks; when it was written, each append learns its position, or that it was refused.</summary>
    public static bool Find(NpgsqlConnection connection, IReadOnlyList<PendingAppend> batch)
    {
        using var command = new NpgsqlCommand(EmbeddedSql.Of("postgres.find"), connection)
        {
            Parameters =
            {
                new NpgsqlParameter<string[]> { TypedValue = [.. batch.Select(static pending => pending.Append.Stream.Kind)] },
                new NpgsqlParameter<string[]> { TypedValue = [.. batch.Select(static pending => pending.Append.Stream.Key)] },
                new NpgsqlParameter<long[]> { TypedValue = [.. batch.Select(static pending => pending.Append.ExpectedVersion + 1)],
                    NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint },
                new NpgsqlParameter<string[]> { TypedValue = [.. batch.Select(static pending => pending.Append.Project)] },
                new NpgsqlParameter<string?[]>
                {
                    TypedValue = [.. batch.Select(static pending => pending.Append.AnyVersion ? pending.Append.Events[0].Mark : null)],
                        NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text,
                },
            },
        };
        var written = false;
        foreach (var pending in batch) pending.FirstPosition = 0;
        using var rows = command.ExecuteReader();
        while (rows.Read())
        {
            var pending = batch[(int)rows.GetInt64(0) - 1];
            if (!pending.IsFirst(rows.GetString(2), rows.GetString(3), rows.GetDateTime(4))) continue;
            (pending.FirstPosition, pending.FirstVersion) = (rows.GetInt64(1), rows.GetInt64(5));
            written = true;
        }
        return written;
    }
}
