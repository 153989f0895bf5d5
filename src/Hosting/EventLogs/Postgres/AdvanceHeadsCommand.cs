using Npgsql;
using NpgsqlTypes;

namespace Beadhub.Hosting.EventLogs.Postgres;

/// <summary>
/// Gives positions to appends of which none can be refused any more: <see cref="PostgresStatements.AdvanceHeads"/>, prepared.
/// </summary>
internal sealed class AdvanceHeadsCommand
{
    private readonly NpgsqlCommand _command;
    private readonly NpgsqlParameter<string[]> _projects = new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text };
    private readonly NpgsqlParameter<long[]> _gains = new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint };

    public AdvanceHeadsCommand(NpgsqlConnection connection)
    {
        _command = new NpgsqlCommand(PostgresStatements.AdvanceHeads, connection) { Parameters = { _projects, _gains } };
        _command.Prepare();
    }

    /// <summary>Sets the first position of each append, in the order of the batch.</summary>
    public void Execute(IReadOnlyList<PendingAppend> batch)
    {
        var gains = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var pending in batch)
            gains[pending.Append.Project] = gains.GetValueOrDefault(pending.Append.Project) + pending.Append.Events.Count;
        _projects.TypedValue = [.. gains.Keys];
        _gains.TypedValue = [.. gains.Values];

        var next = new Dictionary<string, long>();
        using (var reader = _command.ExecuteReader())
        {
            while (reader.Read())
            {
                var project = reader.GetString(0);
                next[project] = reader.GetInt64(1) - gains[project] + 1;
            }
        }
        foreach (var pending in batch)
        {
            pending.FirstPosition = next[pending.Append.Project];
            next[pending.Append.Project] += pending.Append.Events.Count;
        }
    }
}
