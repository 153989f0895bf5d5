using Npgsql;
using NpgsqlTypes;

namespace Beadhub.Hosting.EventLogs.Postgres;

/// <summary>
/// A prepared statement that takes many appends as arrays: <see cref="PostgresStatements.Append"/>, <see
/// cref="PostgresStatements.AppendMarked"/> or <see cref="PostgresStatements.Place"/>.
/// </summary>
internal sealed class ManyAppendsCommand
{
    private readonly NpgsqlCommand _command;
    private readonly NpgsqlParameter<string[]> _kinds = Array<string[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<string[]> _keys = Array<string[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<string[]> _projects = Array<string[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<long[]> _priors = Array<long[]>(NpgsqlDbType.Bigint);
    private readonly NpgsqlParameter<int[]> _counts = Array<int[]>(NpgsqlDbType.Integer);
    private readonly NpgsqlParameter<string?[]> _snapshots = Array<string?[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<int[]> _ordinals = Array<int[]>(NpgsqlDbType.Integer);
    private readonly NpgsqlParameter<int[]> _places = Array<int[]>(NpgsqlDbType.Integer);
    private readonly NpgsqlParameter<string[]> _types = Array<string[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<string[]> _datas = Array<string[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<DateTime[]> _ats = Array<DateTime[]>(NpgsqlDbType.TimestampTz);
    private readonly NpgsqlParameter<string?[]> _marks = Array<string?[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<bool[]> _anys = Array<bool[]>(NpgsqlDbType.Boolean);
    private readonly bool _withEvents;
    private readonly bool _withMarks;

    public ManyAppendsCommand(string sql, NpgsqlConnection connection, bool withEvents, bool withMarks = false)
    {
        _withEvents = withEvents;
        _withMarks = withMarks;
        _command = new NpgsqlCommand(sql, connection) { Parameters = { _kinds, _keys, _projects, _priors, _counts, _snapshots } };
        if (withEvents)
        {
            foreach (var parameter in (NpgsqlParameter[])[_ordinals, _places, _types, _datas, _ats]) _command.Parameters.Add(parameter);
        }
        if (withMarks)
        {
            _command.Parameters.Add(_marks);
            _command.Parameters.Add(_anys);
        }

        _command.Prepare();
    }

    /// <summary>Sets the first position and version of each accepted append.</summary>
    public void Execute(IReadOnlyList<PendingAppend> batch)
    {
        Fill(batch);
        if (_withEvents) FillEvents(batch);
        // A batch that is sent again must not remember what the lost attempt was given.
        foreach (var pending in batch) pending.FirstPosition = 0;
        using var reader = _command.ExecuteReader();
        while (reader.Read())
        {
            var accepted = batch[(int)reader.GetInt64(0) - 1];
            (accepted.FirstPosition, accepted.FirstVersion) = (reader.GetInt64(1), reader.GetInt64(2) + 1);
        }
    }

    private void Fill(IReadOnlyList<PendingAppend> batch)
    {
        var kinds = _kinds.TypedValue = new string[batch.Count];
        var keys = _keys.TypedValue = new string[batch.Count];
        var projects = _projects.TypedValue = new string[batch.Count];
        var priors = _priors.TypedValue = new long[batch.Count];
        var counts = _counts.TypedValue = new int[batch.Count];
        var snapshots = _snapshots.TypedValue = new string?[batch.Count];
        for (var i = 0; i < batch.Count; i++)
        {
            var append = batch[i].Append;
            kinds[i] = append.Stream.Kind;
            keys[i] = append.Stream.Key;
            projects[i] = append.Project;
            priors[i] = append.ExpectedVersion;
            counts[i] = append.Events.Count;
            snapshots[i] = append.Snapshot;
        }
    }

    private void FillEvents(IReadOnlyList<PendingAppend> batch)
    {
        var total = 0;
        foreach (var pending in batch) total += pending.Append.Events.Count;
        var ordinals = _ordinals.TypedValue = new int[total];
        var places = _places.TypedValue = new int[total];
        var types = _types.TypedValue = new string[total];
        var datas = _datas.TypedValue = new string[total];
        var ats = _ats.TypedValue = new DateTime[total];
        var marks = _withMarks ? _marks.TypedValue = new string?[total] : null;
        if (_withMarks) _anys.TypedValue = [.. batch.Select(static pending => pending.Append.AnyVersion)];
        var next = 0;
        for (var i = 0; i < batch.Count; i++)
        {
            var events = batch[i].Append.Events;
            for (var place = 0; place < events.Count; place++, next++)
            {
                ordinals[next] = i + 1;
                places[next] = place;
                types[next] = events[place].Type;
                datas[next] = events[place].Data;
                ats[next] = batch[i].At(place);
                if (marks is not null) marks[next] = events[place].Mark;
            }
        }
    }

    private static NpgsqlParameter<T> Array<T>(NpgsqlDbType element) => new() { NpgsqlDbType = NpgsqlDbType.Array | element };
}
