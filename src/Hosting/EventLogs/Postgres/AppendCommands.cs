using Npgsql;
using NpgsqlTypes;

namespace Beadhub.Hosting.EventLogs.Postgres;

/// <summary>
/// A prepared statement that writes to projects; among the nodes of a cluster it goes together with the locks on these projects, in one
/// round trip
/// and one transaction.
/// </summary>
internal sealed class AppendStatement
{
    private readonly NpgsqlBatch _batch;
    private readonly NpgsqlParameter<string[]>? _locked;

    public AppendStatement(NpgsqlConnection connection, bool cluster, string sql, params ReadOnlySpan<NpgsqlParameter> parameters)
    {
        _batch = new NpgsqlBatch(connection);
        if (cluster)
        {
            _locked = Array<string[]>(NpgsqlDbType.Text);
            _batch.BatchCommands.Add(new NpgsqlBatchCommand(EmbeddedSql.Of("postgres.lock")) { Parameters = { _locked } });
        }
        var append = new NpgsqlBatchCommand(sql);
        foreach (var parameter in parameters) append.Parameters.Add(parameter);
        _batch.BatchCommands.Add(append);
        _batch.Prepare();
    }

    public NpgsqlDataReader Execute(params string[] projects)
    {
        if (_locked is null) return _batch.ExecuteReader();
        _locked.TypedValue = projects;
        var reader = _batch.ExecuteReader();
        reader.NextResult();
        return reader;
    }

    public static NpgsqlParameter<T> Array<T>(NpgsqlDbType element) => new() { NpgsqlDbType = NpgsqlDbType.Array | element };
}

/// <summary>One append without a snapshot.</summary>
internal sealed class AppendOneCommand
{
    private readonly NpgsqlParameter<string> _project = new() { NpgsqlDbType = NpgsqlDbType.Text };
    private readonly NpgsqlParameter<string> _kind = new() { NpgsqlDbType = NpgsqlDbType.Text };
    private readonly NpgsqlParameter<string> _key = new() { NpgsqlDbType = NpgsqlDbType.Text };
    private readonly NpgsqlParameter<long> _expected = new() { NpgsqlDbType = NpgsqlDbType.Bigint };
    private readonly NpgsqlParameter<bool> _anyVersion = new() { NpgsqlDbType = NpgsqlDbType.Boolean };
    private readonly NpgsqlParameter<string[]> _types = AppendStatement.Array<string[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<string[]> _datas = AppendStatement.Array<string[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<DateTime[]> _ats = AppendStatement.Array<DateTime[]>(NpgsqlDbType.TimestampTz);
    private readonly NpgsqlParameter<string?[]> _marks = AppendStatement.Array<string?[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<string?> _session = new() { NpgsqlDbType = NpgsqlDbType.Text };
    private readonly AppendStatement _statement;

    public AppendOneCommand(NpgsqlConnection connection, bool cluster) => _statement = new(
        connection, cluster, EmbeddedSql.Of("postgres.append-one"), _project, _kind, _key, _expected, _anyVersion, _types, _datas, _ats,
        _marks, _session);

    /// <summary>Sets position and version of the first event, the position to 0 when the append is refused.</summary>
    /// <param name="pending">The append.</param>
    /// <param name="session">The node's session among those of a cluster.</param>
    public void Execute(PendingAppend pending, string? session)
    {
        _session.TypedValue = session;
        var (append, events) = (pending.Append, pending.Append.Events);
        _project.TypedValue = append.Project;
        _kind.TypedValue = append.Stream.Kind;
        _key.TypedValue = append.Stream.Key;
        _expected.TypedValue = append.ExpectedVersion;
        _anyVersion.TypedValue = append.AnyVersion;
        var types = _types.TypedValue = new string[events.Count];
        var datas = _datas.TypedValue = new string[events.Count];
        var ats = _ats.TypedValue = new DateTime[events.Count];
        var marks = _marks.TypedValue = new string?[events.Count];
        for (var i = 0; i < events.Count; i++)
            (types[i], datas[i], ats[i], marks[i]) = (events[i].Type, events[i].Data, pending.At(i), events[i].Mark);
        pending.FirstPosition = 0;
        using var reader = _statement.Execute(append.Project);
        while (reader.Read())
        {
            var (position, version) = (reader.GetInt64(0), reader.GetInt64(1));
            if (pending.FirstPosition == 0 || position < pending.FirstPosition)
                (pending.FirstPosition, pending.FirstVersion) = (position, version);
        }
    }
}

/// <summary>Many appends, with their events or without, when these follow in the same transaction.</summary>
internal sealed class ManyAppendsCommand
{
    private readonly NpgsqlParameter<string[]> _kinds = AppendStatement.Array<string[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<string[]> _keys = AppendStatement.Array<string[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<string[]> _projects = AppendStatement.Array<string[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<long[]> _expected = AppendStatement.Array<long[]>(NpgsqlDbType.Bigint);
    private readonly NpgsqlParameter<bool[]> _anyVersion = AppendStatement.Array<bool[]>(NpgsqlDbType.Boolean);
    private readonly NpgsqlParameter<int[]> _counts = AppendStatement.Array<int[]>(NpgsqlDbType.Integer);
    private readonly NpgsqlParameter<string?[]> _snapshots = AppendStatement.Array<string?[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<int[]> _ordinals = AppendStatement.Array<int[]>(NpgsqlDbType.Integer);
    private readonly NpgsqlParameter<string?[]> _marks = AppendStatement.Array<string?[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<int[]> _places = AppendStatement.Array<int[]>(NpgsqlDbType.Integer);
    private readonly NpgsqlParameter<string[]> _types = AppendStatement.Array<string[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<string[]> _datas = AppendStatement.Array<string[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<DateTime[]> _ats = AppendStatement.Array<DateTime[]>(NpgsqlDbType.TimestampTz);
    private readonly NpgsqlParameter<string?> _session = new() { NpgsqlDbType = NpgsqlDbType.Text };
    private readonly AppendStatement _statement;
    private readonly bool _withEvents;

    public ManyAppendsCommand(NpgsqlConnection connection, bool cluster, bool withEvents)
    {
        _withEvents = withEvents;
        var place = EmbeddedSql.Of("postgres.place");
        const string Answer = "SELECT ordinal, first, base FROM placed";
        NpgsqlParameter[] appends = [_kinds, _keys, _projects, _expected, _anyVersion, _counts, _snapshots, _ordinals, _marks, _session];
        _statement = withEvents
            ? new(connection, cluster, place + EmbeddedSql.Of("postgres.append") + Answer, [.. appends, _places, _types, _datas, _ats])
            : new(connection, cluster, place + Answer, appends);
    }

    /// <summary>Sets position and version of the first event of each append, the position to 0 of those that are refused.</summary>
    /// <param name="batch">The appends.</param>
    /// <param name="session">The node's session among those of a cluster.</param>
    public void Execute(IReadOnlyList<PendingAppend> batch, string? session)
    {
        _session.TypedValue = session;
        Fill(batch);
        FillEvents(batch);
        // A batch that is sent again must not remember what the lost attempt was given.
        foreach (var pending in batch) pending.FirstPosition = 0;
        using var reader = _statement.Execute(_projects.TypedValue!);
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
        var expected = _expected.TypedValue = new long[batch.Count];
        var anyVersion = _anyVersion.TypedValue = new bool[batch.Count];
        var counts = _counts.TypedValue = new int[batch.Count];
        var snapshots = _snapshots.TypedValue = new string?[batch.Count];
        for (var i = 0; i < batch.Count; i++)
        {
            var append = batch[i].Append;
            (kinds[i], keys[i], projects[i]) = (append.Stream.Kind, append.Stream.Key, append.Project);
            (expected[i], anyVersion[i], counts[i], snapshots[i]) =
                (append.ExpectedVersion, append.AnyVersion, append.Events.Count, append.Snapshot);
        }
    }

    private void FillEvents(IReadOnlyList<PendingAppend> batch)
    {
        var total = 0;
        foreach (var pending in batch) total += pending.Append.Events.Count;
        var ordinals = _ordinals.TypedValue = new int[total];
        var marks = _marks.TypedValue = new string?[total];
        var places = _places.TypedValue = new int[total];
        var types = _types.TypedValue = new string[total];
        var datas = _datas.TypedValue = new string[total];
        var ats = _ats.TypedValue = new DateTime[total];
        var next = 0;
        for (var i = 0; i < batch.Count; i++)
        {
            var events = batch[i].Append.Events;
            for (var place = 0; place < events.Count; place++, next++)
            {
                (ordinals[next], marks[next]) = (i + 1, events[place].Mark);
                if (_withEvents)
                    (places[next], types[next], datas[next], ats[next]) =
                        (place, events[place].Type, events[place].Data, batch[i].At(place));
            }
        }
    }
}
