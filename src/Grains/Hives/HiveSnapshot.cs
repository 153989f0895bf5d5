using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text;

namespace Beadhub.Hives;

// What is kept of a hive, so that it need not be folded from the first event on: its content in parts, of which those are written again in
// which something has changed, and all else. What waits is kept by its place in the log, and read from there.
internal sealed partial class HiveState
{
    /// <summary>Number of the fold that makes the snapshots; one of another fold is not believed. It rises when the same events lead to
    /// something else than before, or types of events are taken in that were not before.</summary>
    public const int Fold = 1;

    /// <summary>Posts and comments of a part.</summary>
    public const int PartSize = 2_048;

    private readonly List<HiveContent> _contents = []; // by number
    private readonly HashSet<int> _changedParts = [];
    private readonly Dictionary<string, string> _origins = new(StringComparer.Ordinal);

    /// <summary>Number of parts.</summary>
    public int PartCount => (_contents.Count + PartSize - 1) / PartSize;

    /// <summary>What waits, as a snapshot has it: it is to be read from the log and held again.</summary>
    public readonly record struct Held(long Seq, long SinceTicks);

    /// <summary>Saves the hive.</summary>
    /// <param name="all">Whether all parts are wanted, not only those that have changed since the last time.</param>
    /// <returns>All but the content, and the parts by their numbers.</returns>
    public (string Head, List<(int Part, string Text)> Parts) Save(bool all)
    {
        var parts = new List<(int, string)>();
        foreach (var part in all ? Enumerable.Range(0, PartCount) : _changedParts.Order())
        {
            using var to = new SnapshotWriter();
            var contents = CollectionsMarshal.AsSpan(_contents)[(part * PartSize)..Math.Min(_contents.Count, (part + 1) * PartSize)];
            to.Number(contents.Length);
            foreach (var content in contents)
            {
                to.Id(content.Id);
                var comment = content as HiveComment;
                to.Number(comment is null ? 0 : comment.Parent is null ? 1 : 2);
                if (comment is not null) to.Id(comment.Post.Id);
                if (comment?.Parent is { } parent) to.Id(parent.Id);
                content.Save(to);
            }

            parts.Add((part, to.End()));
        }

        _changedParts.Clear();
        return (SaveHead(), parts);
    }

    /// <summary>The hive that was saved, without what waits.</summary>
    /// <param name="head">All but the content.</param>
    /// <param name="parts">All parts, by their numbers.</param>
    /// <param name="held">What waits: it is to be held again (<see cref="Hold"/>).</param>
    public static HiveState Restore(string head, IEnumerable<string> parts, out List<Held> held)
    {
        var hive = new HiveState();
        hive.RestoreHead(new(head, hive.Shared), out held);
        var links = new List<(HiveComment Comment, string Post, string? Parent)>();
        foreach (var part in parts)
        {
            var from = new SnapshotReader(part, hive.Shared);
            for (var left = from.Number(); left > 0; left--)
            {
                var (id, form) = (from.Id(), from.Number());
                HiveContent content = form == 0 ? new HivePost(id) { Number = hive._contents.Count }
                    : new HiveComment(id, null!, null) { Number = hive._contents.Count };
                if (content is HiveComment comment) links.Add((comment, from.Id(), form == 2 ? from.Id() : null));
                content.Restore(from, hive._agents);
                hive._contents.Add(content);
                if (content is HivePost post)
                {
                    hive._posts[id] = post;
                    hive.Arrived.Add(post);
                    hive.Show(post);
                }
                else
                {
                    hive._comments[id] = (HiveComment)content;
                }
            }
        }

        // What a comment belongs to may have been made after it, when another event came to count for it.
        foreach (var (comment, post, parent) in links)
        {
            comment.Link(hive._posts[post], parent is null ? null : hive._comments[parent]);
            if (comment.Deleted is null) hive.CommentCount++;
        }

        return hive;
    }

    /// <summary>Holds again what has waited when the hive was saved.</summary>
    public void Hold(in HiveEvent e, long sinceTicks)
    {
        var of = e with { Origin = Shared(e.Origin) };
        if (HivePayload.Read(of) is not { } step) return;
        if (sinceTicks < 0)
        {
            Count(_earlyOf, of.Origin, 1);
            _early.Enqueue(step, of.OriginTs);
        }
        else if (sinceTicks > 0 && Missing(step) is { } missing)
        {
            Wait(step, missing, new(sinceTicks, TimeSpan.Zero));
        }
        else
        {
            Do(step);
        }
    }

    private string SaveHead()
    {
        using var to = new SnapshotWriter();
        to.Number(Seq);
        to.Number(Now.UtcTicks);
        to.Number(Governance);
        to.Number(Parked);
        to.Number(Unapplied);
        to.Hash(_hash);
        to.Number(_agents.Count);
        foreach (var agent in _agents.Values)
        {
            to.Text(agent.Instance);
            to.Text(agent.AgentId);
            agent.Save(to);
        }

        to.Number(_settings.Count);
        foreach (var (key, setting) in _settings)
        {
            to.Text(key);
            HiveRegister.Save(setting, to);
        }

        to.Number(_copies.Count);
        foreach (var (copy, id) in _copies)
        {
            to.Id(copy);
            to.Id(id);
        }

        Owners.Save(to);
        to.Number(_aside.Count);
        foreach (var (on, places) in _aside)
        {
            to.Id(on);
            to.Number(places.Count);
            foreach (var place in places) to.Number(place);
        }

        // The oldest first, which it stays; those that wait for their time have none, nor have those that wait no longer.
        to.Number(_recalled.Count + _underWay.Count + _oldest.Count + _early.Count);
        foreach (var seq in _recalled.Concat(_underWay))
        {
            to.Number(seq);
            to.Number(0);
        }

        foreach (var one in _oldest)
        {
            to.Number(one.Step.Seq);
            to.Number(one.Since.UtcTicks);
        }

        foreach (var (step, _) in _early.UnorderedItems)
        {
            to.Number(step.Seq);
            to.Number(-1);
        }

        to.Number(_reports.Count);
        foreach (var report in _reports)
        {
            to.Number(report.Seq);
            foreach (var text in (string[])[report.Type, report.Origin, report.Reason]) to.Text(text);
        }

        return to.End();
    }

    private void RestoreHead(SnapshotReader from, out List<Held> held)
    {
        Seq = from.Number();
        Now = new(from.Number(), TimeSpan.Zero);
        Governance = from.Number();
        Parked = from.Number();
        Unapplied = from.Number();
        _hash = from.Hash();
        for (var left = from.Number(); left > 0; left--)
        {
            var agent = new HiveAgentEntry(from.Text(), from.Text());
            agent.Restore(from);
            _agents[agent.Key] = agent;
        }

        for (var left = from.Number(); left > 0; left--) (_settings[from.Text()] = new()).Restore(from);
        for (var left = from.Number(); left > 0; left--) _copies[from.Id()] = from.Id();
        Owners.Restore(from);
        for (var left = from.Number(); left > 0; left--)
        {
            var places = _aside[from.Id()] = [];
            for (var count = from.Number(); count > 0; count--) places.Add(from.Number());
            Aside += places.Count;
        }

        held = [];
        for (var left = from.Number(); left > 0; left--) held.Add(new(from.Number(), from.Number()));
        for (var left = from.Number(); left > 0; left--) _reports.Enqueue(new(from.Number(), from.Text(), from.Text(), from.Text()));
    }

    private HiveContent Changed(HiveContent content)
    {
        _changedParts.Add(content.Number / PartSize);
        return content;
    }

    private string Shared(string origin)
    {
        if (_origins.TryGetValue(origin, out var known)) return known;
        _origins[origin] = origin;
        return origin;
    }
}

/// <summary>Writes a snapshot as text: numbers and texts one after the other, a text that comes again by its number, compressed.</summary>
internal sealed class SnapshotWriter : IDisposable
{
    private readonly MemoryStream _buffer = new();
    private readonly BinaryWriter _to;
    private readonly Dictionary<string, int> _texts = new(StringComparer.Ordinal);

    public SnapshotWriter() => _to = new(new DeflateStream(_buffer, CompressionLevel.Fastest), Encoding.UTF8);

    public void Number(long number) => _to.Write7BitEncodedInt64(number);

    /// <summary>A text that is there once.</summary>
    public void Id(string id) => _to.Write(id);

    /// <summary>A text that others are the same as.</summary>
    public void Text(string text)
    {
        var number = _texts.GetValueOrDefault(text);
        Number(number);
        if (number > 0) return;
        _to.Write(text);
        _texts[text] = _texts.Count + 1;
    }

    public void Hash(UInt128 hash)
    {
        _to.Write((ulong)(hash >> 64));
        _to.Write((ulong)hash);
    }

    public void Stamp(Stamp? stamp)
    {
        Text(stamp?.Origin ?? "");
        if (stamp is not { } given) return;
        Number(given.Ts);
        Number(given.OriginSeq);
        Hash(given.Content);
    }

    /// <summary>All that was written.</summary>
    public string End()
    {
        _to.Dispose();
        return Convert.ToBase64String(_buffer.ToArray());
    }

    public void Dispose() => _to.Dispose();
}

/// <summary>Reads what a <see cref="SnapshotWriter"/> has written, in the same order.</summary>
internal sealed class SnapshotReader(string text, Func<string, string> shared)
{
    private readonly BinaryReader _from =
        new(new DeflateStream(new MemoryStream(Convert.FromBase64String(text)), CompressionMode.Decompress), Encoding.UTF8);

    private readonly List<string> _texts = [];

    public long Number() => _from.Read7BitEncodedInt64();

    public string Id() => _from.ReadString();

    public string Text()
    {
        var number = (int)Number();
        if (number > 0) return _texts[number - 1];
        _texts.Add(_from.ReadString());
        return _texts[^1];
    }

    public UInt128 Hash() => new(_from.ReadUInt64(), _from.ReadUInt64());

    public Stamp? StampOrNone() => Text() is { Length: > 0 } origin ? new Stamp(Number(), shared(origin), Number(), Hash()) : null;

    public Stamp Stamp() => StampOrNone() ?? throw new InvalidDataException("A snapshot of a hive lacks a stamp.");
}
