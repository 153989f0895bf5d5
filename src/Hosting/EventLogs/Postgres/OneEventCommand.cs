using Npgsql;
using NpgsqlTypes;

namespace Beadhub.Hosting.EventLogs.Postgres;

/// <summary>
/// A prepared statement that appends one event: <see cref="PostgresStatements.Begin"/> or <see cref="PostgresStatements.Continue"/>.
/// </summary>
internal sealed class OneEventCommand
{
    private readonly NpgsqlCommand _command;
    private readonly NpgsqlParameter<string> _kind = new() { NpgsqlDbType = NpgsqlDbType.Text };
    private readonly NpgsqlParameter<string> _key = new() { NpgsqlDbType = NpgsqlDbType.Text };
    private readonly NpgsqlParameter<string> _project = new() { NpgsqlDbType = NpgsqlDbType.Text };
    private readonly NpgsqlParameter<long> _prior = new() { NpgsqlDbType = NpgsqlDbType.Bigint };
    private readonly NpgsqlParameter _snapshot = new() { NpgsqlDbType = NpgsqlDbType.Text };
    private readonly NpgsqlParameter<string> _type = new() { NpgsqlDbType = NpgsqlDbType.Text };
    private readonly NpgsqlParameter<string> _data = new() { NpgsqlDbType = NpgsqlDbType.Text };
    private readonly NpgsqlParameter<DateTime> _at = new() { NpgsqlDbType = NpgsqlDbType.TimestampTz };

    public OneEventCommand(string sql, NpgsqlConnection connection)
    {
        _command = new NpgsqlCommand(sql, connection) { Parameters = { _kind, _key, _project, _prior, _snapshot, _type, _data, _at } };
        _command.Prepare();
    }

    /// <summary>The position of the event; 0 when the stream has another version.</summary>
    public long Execute(PendingAppend pending)
    {
        var append = pending.Append;
        _kind.TypedValue = append.Stream.Kind;
        _key.TypedValue = append.Stream.Key;
        _project.TypedValue = append.Project;
        _prior.TypedValue = append.ExpectedVersion;
        _snapshot.Value = append.Snapshot ?? (object)DBNull.Value;
        _type.TypedValue = append.Events[0].Type;
        _data.TypedValue = append.Events[0].Data;
        _at.TypedValue = pending.At(0);
        using var reader = _command.ExecuteReader();
        return reader.Read() ? reader.GetInt64(0) : 0;
    }
}
