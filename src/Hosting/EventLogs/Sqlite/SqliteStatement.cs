using Microsoft.Data.Sqlite;

namespace Beadhub.Hosting.EventLogs.Sqlite;

/// <summary>A prepared statement with parameters <c>$1</c>, <c>$2</c> …; belongs to one connection and one thread at a time.</summary>
internal sealed class SqliteStatement
{
    private readonly SqliteCommand _command;
    private readonly List<SqliteParameter> _parameters = [];

    public SqliteStatement(SqliteConnection connection, string sql)
    {
        _command = new SqliteCommand(sql, connection);
        for (var i = 1; sql.Contains("$" + i, StringComparison.Ordinal); i++)
            _parameters.Add(_command.Parameters.Add(new SqliteParameter { ParameterName = "$" + i }));
        _command.Prepare();
    }

    /// <summary>Runs it; answers how many rows it touched.</summary>
    public int Execute(params ReadOnlySpan<object?> values)
    {
        Bind(values);
        return _command.ExecuteNonQuery();
    }

    /// <summary>Runs it; answers the first column of the first row, or 0 when there is none.</summary>
    public long Number(params ReadOnlySpan<object?> values)
    {
        Bind(values);
        return _command.ExecuteScalar() as long? ?? 0;
    }

    public SqliteDataReader Read(params ReadOnlySpan<object?> values)
    {
        Bind(values);
        return _command.ExecuteReader();
    }

    private void Bind(ReadOnlySpan<object?> values)
    {
        for (var i = 0; i < values.Length; i++) _parameters[i].Value = values[i] ?? DBNull.Value;
    }
}
