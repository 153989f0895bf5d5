using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Beadhub.Beads;

namespace Beadhub.Boards;

/// <summary>Reads one line of a JSONL payload, by the rules of contract 7.1, 7.2 and 7.5, straight from its bytes.</summary>
internal ref struct IssueLineReader
{
    private const int MaxDepth = 10;

    // Deeper than this is not followed to see whether it would at least be JSON.
    private const int HopelessDepth = 512;
    private const int MaxCreatedBy = 255;
    private const int MaxTimestamp = 64;

    // The client's tool refuses longer titles (bd, types.go); the others are far beyond what it writes, and keep one issue from filling a
    // page.
    private const int MaxLine = 1024 * 1024; // in bytes
    private const int MaxTitle = 500;
    private const int MaxWord = 255; // status, type, assignee, a label
    private const int MaxLabels = 1000;
    private const int MaxLinks = 2000; // each of blocked_by and dependencies

    private readonly int _number;
    private readonly string _repo;
    private readonly string _branch;
    private readonly bool _mayHoldLoneSurrogates;
    private readonly bool _isStored;
    private readonly bool _readsDescription;
    private Utf8JsonReader _json;
    private bool _tooDeep;
    private string? _wrong;

    private string? _id, _title, _description, _status, _type, _assignee, _createdBy;
    private long? _priority;
    private ImmutableArray<string> _labels = [];
    private ImmutableArray<BeadRef> _blockedBy = [];
    private ImmutableArray<IssueLine.Blocker> _blocks = [];
    private BeadRef? _parent;
    private ImmutableArray<BeadRef> _conditions = [];
    private ImmutableArray<BeadWait> _waits = [];
    private bool _isPinned, _isEphemeral;
    private DateTimeOffset? _createdAt, _updatedAt, _closedAt;
    private long? _estimatedMinutes;

    private IssueLineReader(ReadOnlySpan<byte> line, int number, string repo, string branch, bool isStored = false,
        bool readsDescription = false)
    {
        _isStored = isStored;
        _readsDescription = readsDescription;
        _number = number;
        _repo = repo;
        _branch = branch;
        _mayHoldLoneSurrogates = line.IndexOf("\\ud"u8) >= 0 || line.IndexOf("\\uD"u8) >= 0;
        _json = new(line, new JsonReaderOptions { MaxDepth = int.MaxValue });
    }

    /// <summary>Reads a line.</summary>
    /// <param name="line">The line, without line break.</param>
    /// <param name="number">Its number, for messages.</param>
    /// <param name="repo">Repository being synced.</param>
    /// <param name="branch">Branch being synced.</param>
    /// <param name="digest">Digest of the line.</param>
    /// <param name="syncedAt">The instant of the sync.</param>
    /// <returns>The issue; null when the line is in order but has no valid id, and is skipped.</returns>
    /// <exception cref="RefusedException">The line is not in order.</exception>
    public static IssueLine? Read(ReadOnlySpan<byte> line, int number, string repo, string branch, LineDigest digest,
        DateTimeOffset syncedAt)
    {
        if (line.Length > MaxLine) throw Refused($"Issue on line {number} is too long: at most {MaxLine} bytes");
        if (!Utf8.IsValid(line)) throw InvalidJson(number, "not UTF-8");
        var reader = new IssueLineReader(line, number, repo, branch);
        try
        {
            reader.ReadRoot();
        }
        catch (JsonException e)
        {
            var end = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
            throw InvalidJson(number, $"{(end < 0 ? e.Message : e.Message[..end])} (byte {e.BytePositionInLine + 1})");
        }
        catch (InvalidOperationException)
        {
            // The reader's way of saying that a string escapes half a surrogate pair.
            throw InvalidJson(number, "a string holds a lone surrogate");
        }

        if (reader._tooDeep) throw TooDeep(number);
        if (reader._id is not { } id || !Names.IsBeadId(id)) return null;
        if (reader._wrong is { } wrong) throw Refused($"Invalid issue on line {number}: {wrong}");
        return new(reader.Record(id, digest, syncedAt), reader._blocks);
    }

    /// <summary>Reads a line that was stored. It was in order when it was stored, and nothing is refused any more.</summary>
    /// <param name="line">The line.</param>
    /// <param name="repo">Repository.</param>
    /// <param name="branch">Branch.</param>
    /// <param name="digest">Digest of the line.</param>
    /// <param name="syncedAt">When it was stored.</param>
    /// <param name="whole">Whether the description is wanted.</param>
    public static IssueLine ReadStored(ReadOnlySpan<byte> line, string repo, string branch, LineDigest digest, DateTimeOffset syncedAt,
        bool whole)
    {
        var reader = new IssueLineReader(line, 0, repo, branch, isStored: true, readsDescription: whole);
        reader.ReadRoot();
        return new(reader.Record(reader._id!, digest, syncedAt), reader._blocks);
    }

    private readonly BeadRecord Record(string id, LineDigest digest, DateTimeOffset syncedAt) => new(
        id, _repo, _branch, _title, _description, _status, _priority, _type, _assignee, _createdBy, _labels, _blockedBy, _parent,
        _createdAt, _updatedAt,
        syncedAt, digest, BlocksIds(), [],
        Terms: _isPinned || _isEphemeral || !_conditions.IsEmpty || !_waits.IsEmpty
            ? new(_conditions, _waits, _isPinned || _isEphemeral) : null,
        EstimatedMinutes: _estimatedMinutes, ClosedAt: _closedAt);

    private readonly ImmutableArray<string> BlocksIds()
    {
        if (_blocks.IsEmpty) return [];
        var ids = ImmutableArray.CreateBuilder<string>(_blocks.Length);
        foreach (var blocker in _blocks)
            if (blocker.IsInPayload) ids.Add(blocker.Target.BeadId);
        return ids.DrainToImmutable();
    }

    private void ReadRoot()
    {
        Next();
        if (_json.TokenType != JsonTokenType.StartObject)
        {
            Skip();
            End();
            throw Refused($"JSON on line {_number} must be an object");
        }

        while (Next() && _json.TokenType == JsonTokenType.PropertyName)
        {
            var field = FieldNamed();
            Next();
            ReadField(field);
        }

        End();
    }

    /// <summary>Asks for what may not be there: the reader throws when something follows.</summary>
    private void End() => _json.Read();

    private void ReadField(Field field)
    {
        switch (field)
        {
            case Field.Id: _id = TextOrNull(); break;
            case Field.Title: _title = Text("title", MaxTitle); break;
            case Field.Description: _description = Description(); break;
            case Field.Status: _status = Text("status", MaxWord); break;
            case Field.IssueType: _type = Text("issue_type", MaxWord); break;
            case Field.Assignee: _assignee = Text("assignee", MaxWord); break;
            case Field.Priority: _priority = Priority(); break;
            case Field.CreatedBy: _createdBy = CreatedBy(); break;
            case Field.Labels: _labels = Labels(); break;
            case Field.CreatedAt: _createdAt = Timestamp(); break;
            case Field.UpdatedAt: _updatedAt = Timestamp(); break;
            case Field.ClosedAt: _closedAt = Timestamp(); break;
            case Field.EstimatedMinutes: _estimatedMinutes = Minutes(); break;
            case Field.BlockedBy: _blockedBy = BlockedBy(); break;
            case Field.Dependencies: Dependencies(); break;
            case Field.Pinned: _isPinned = Truth(); break;
            case Field.Ephemeral: _isEphemeral = Truth(); break;
            default: Skip(); break;
        }
    }

    private string? Text(string field, int max)
    {
        if (_json.TokenType is not (JsonTokenType.String or JsonTokenType.Null)) Wrong(field, "must be a string or null");
        var text = TextOrNull();
        if (text?.Length > max) Limit(field, text, max);
        return text;
    }

    /// <summary>The description where it is wanted; it is as long as the line at most.</summary>
    private string? Description()
    {
        if (_readsDescription) return TextOrNull();
        if (_json.TokenType is not (JsonTokenType.String or JsonTokenType.Null)) Wrong("description", "must be a string or null");
        Skip();
        return null;
    }

    private void Limit(string field, string text, int max)
    {
        if (Names.CodePoints(text) > max) Wrong(field, $"must have at most {max} characters");
    }

    private void LimitCount(string field, int count, int max)
    {
        if (count > max) Wrong(field, $"must have at most {max} elements");
    }

    private string? TextOrNull()
    {
        if (_json.TokenType == JsonTokenType.String) return String();
        Skip();
        return null;
    }

    /// <summary>The string that is here. Short ones are often said before.</summary>
    private readonly string String()
    {
        if (_json.ValueSpan.Length > TextPool.Longest) return _json.GetString()!;
        Span<char> text = stackalloc char[TextPool.Longest];
        return TextPool.Of(text[.._json.CopyString(text)]);
    }

    private long? Priority()
    {
        if (_json.TokenType == JsonTokenType.Number)
        {
            if (_json.TryGetInt64(out var whole)) return whole;
            if (_json.TryGetDecimal(out var number) && number == decimal.Truncate(number)
                && number is >= long.MinValue and <= long.MaxValue) return (long)number;
        }

        if (_json.TokenType != JsonTokenType.Null) Wrong("priority", "must be an integer or null");
        Skip();
        return null;
    }

    /// <summary>A whole number above 0; anything else says nothing, and is no reason to refuse the issue.</summary>
    private long? Minutes()
    {
        var minutes = _json.TokenType == JsonTokenType.Number && _json.TryGetInt64(out var number) && number > 0 ? number : (long?)null;
        Skip();
        return minutes;
    }

    /// <summary>Any scalar as text, trimmed, at most 255 characters (contract 7.1).</summary>
    private string? CreatedBy()
    {
        switch (_json.TokenType)
        {
            case JsonTokenType.String: return Cut(String().Trim());
            case JsonTokenType.Number: return Cut(Encoding.ASCII.GetString(_json.ValueSpan));
            case JsonTokenType.True: return "True";
            case JsonTokenType.False: return "False";
            case JsonTokenType.Null: return null;
            default:
                Wrong("created_by", "must be a string");
                Skip();
                return null;
        }
    }

    private static string? Cut(string text)
    {
        if (text.Length <= MaxCreatedBy) return text.Length == 0 ? null : text;
        var end = 0;
        for (var characters = 0; characters < MaxCreatedBy && end < text.Length; characters++)
            end += char.IsSurrogatePair(text, end) ? 2 : 1;
        return text[..end];
    }

    private ImmutableArray<string> Labels()
    {
        if (!StartsArray("labels", "must be an array of strings")) return [];
        var labels = ImmutableArray.CreateBuilder<string>(initialCapacity: 1);
        while (Next() && _json.TokenType != JsonTokenType.EndArray)
        {
            if (_json.TokenType == JsonTokenType.String)
            {
                var label = String();
                if (label.Length > MaxWord) Limit("labels", label, MaxWord);
                labels.Add(label);
                continue;
            }

            Wrong("labels", "must be an array of strings");
            Skip();
        }

        LimitCount("labels", labels.Count, MaxLabels);
        return labels.DrainToImmutable();
    }

    private DateTimeOffset? Timestamp()
    {
        if (_json.TokenType == JsonTokenType.String && _json.ValueSpan.Length <= MaxTimestamp)
        {
            Span<char> text = stackalloc char[MaxTimestamp];
            return Timestamps.Parse(text[.._json.CopyString(text)]);
        }

        Skip();
        return null;
    }

    private ImmutableArray<BeadRef> BlockedBy()
    {
        if (!StartsArray("blocked_by", "must be an array")) return [];
        var refs = ImmutableArray.CreateBuilder<BeadRef>(initialCapacity: 1);
        while (Next() && _json.TokenType != JsonTokenType.EndArray)
        {
            if (_json.TokenType == JsonTokenType.String)
            {
                if (Ref(_json.GetString()) is { } named) refs.Add(named);
            }
            else if (_json.TokenType == JsonTokenType.StartObject)
            {
                if (RefObject() is { } named) refs.Add(named);
            }
            else
            {
                Wrong("blocked_by", "must hold strings or objects");
                Skip();
            }
        }

        LimitCount("blocked_by", refs.Count, MaxLinks);
        return refs.DrainToImmutable();
    }

    private BeadRef? RefObject()
    {
        string? beadId = null, repo = _repo, branch = _branch;
        var valid = true;
        while (Next() && _json.TokenType == JsonTokenType.PropertyName)
        {
            var (isId, isRepo, isBranch) = (_json.ValueTextEquals("bead_id"u8), _json.ValueTextEquals("repo"u8),
                _json.ValueTextEquals("branch"u8));
            Next();
            var (isText, isNull) = (_json.TokenType == JsonTokenType.String, _json.TokenType == JsonTokenType.Null);
            var text = TextOrNull();
            if (isId) beadId = text;
            else if (isRepo) repo = text ?? _repo;
            else if (isBranch) branch = text ?? _branch;
            else continue;
            valid &= isText || isNull;
        }

        return valid && beadId is not null && Names.IsBeadId(beadId) && Names.IsCanonicalOrigin(repo) && Names.IsBranch(branch)
            ? new(repo, branch, beadId) : null;
    }

    private bool Truth()
    {
        var truth = _json.TokenType == JsonTokenType.True;
        Skip();
        return truth;
    }

    private void Dependencies()
    {
        _parent = null;
        (_blocks, _conditions, _waits) = ([], [], []);
        if (!StartsArray("dependencies", "must be an array")) return;
        var blocks = ImmutableArray.CreateBuilder<IssueLine.Blocker>(initialCapacity: 1);
        var (conditions, waits) = (ImmutableArray.CreateBuilder<BeadRef>(0), ImmutableArray.CreateBuilder<BeadWait>(0));
        var count = 0;
        for (; Next() && _json.TokenType != JsonTokenType.EndArray; count++)
        {
            if (_json.TokenType != JsonTokenType.StartObject)
            {
                Wrong("dependencies", "must hold objects");
                Skip();
                continue;
            }

            string? target = null, metadata = null;
            bool isBlocker = false, isParent = false, isCondition = false, isWait = false;
            while (Next() && _json.TokenType == JsonTokenType.PropertyName)
            {
                var (isTarget, isType, isMetadata) = (_json.ValueTextEquals("depends_on_id"u8), _json.ValueTextEquals("type"u8),
                    _json.ValueTextEquals("metadata"u8));
                Next();
                if (isTarget)
                {
                    target = TextOrNull();
                }
                else if (isType)
                {
                    var isText = _json.TokenType == JsonTokenType.String;
                    isBlocker = isText && _json.ValueTextEquals("blocks"u8);
                    isParent = isText && _json.ValueTextEquals("parent-child"u8);
                    isCondition = isText && _json.ValueTextEquals("conditional-blocks"u8);
                    isWait = isText && _json.ValueTextEquals("waits-for"u8);
                    Skip();
                }
                else if (isMetadata)
                {
                    metadata = TextOrNull();
                }
                else
                {
                    Skip();
                }
            }

            if (!isBlocker && !isParent && !isCondition && !isWait || Ref(target) is not { } reference) continue;
            if (isBlocker) blocks.Add(new(reference, !target!.Contains(':')));
            else if (isCondition) conditions.Add(reference);
            else if (isWait) waits.Add(Wait(reference, metadata));
            else _parent ??= reference;
        }

        LimitCount("dependencies", count, MaxLinks);
        _blocks = blocks.DrainToImmutable();
        (_conditions, _waits) = (conditions.DrainToImmutable(), waits.DrainToImmutable());
    }

    /// <summary>Whom a <c>waits-for</c> dependency waits for: its metadata, which is JSON in a text, may name another issue and a
    /// gate.</summary>
    private readonly BeadWait Wait(BeadRef target, string? metadata)
    {
        if (string.IsNullOrEmpty(metadata)) return new(target, false);
        try
        {
            using var document = JsonDocument.Parse(metadata);
            if (document.RootElement.ValueKind != JsonValueKind.Object) return new(target, false);
            return new(Named("spawner_id") is { } spawner && Ref(spawner) is { } other ? other : target, Named("gate") == "any-children");

            string? Named(string name) =>
                document.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
                ? value.GetString() : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return new(target, false);
        }
    }

    /// <summary>A reference written as <c>bead</c> or <c>repo:bead</c> (contract 7.2); null when it is empty or malformed.</summary>
    private readonly BeadRef? Ref(string? text)
    {
        var id = text.AsSpan().Trim();
        var repo = _repo;
        if (id.IndexOf(':') is var colon and >= 0)
        {
            if (!Names.IsCanonicalOrigin(id[..colon])) return null;
            repo = id[..colon].SequenceEqual(_repo) ? _repo : id[..colon].ToString();
            id = id[(colon + 1)..];
        }

        return Names.IsBeadId(id) ? new(repo, _branch, id.Length == text!.Length ? text : id.ToString()) : null;
    }

    /// <summary>Whether a list begins; null is an empty one and anything else wrong.</summary>
    private bool StartsArray(string field, string rule)
    {
        if (_json.TokenType == JsonTokenType.StartArray) return true;
        if (_json.TokenType != JsonTokenType.Null) Wrong(field, rule);
        Skip();
        return false;
    }

    // Only the first is told, and only when the line is JSON and has an id.
    private void Wrong(string field, string rule) => _wrong ??= $"{field} {rule}";

    /// <summary>The next token. Every token passes here, because depth and surrogates are checked in what is skipped, too.</summary>
    private bool Next()
    {
        var more = _json.Read();
        if (_json.CurrentDepth >= MaxDepth)
        {
            _tooDeep = true;
            if (_json.CurrentDepth > HopelessDepth && !_isStored) throw TooDeep(_number);
        }

        if (_mayHoldLoneSurrogates && _json.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && _json.ValueIsEscaped)
            _ = _json.GetString();
        return more;
    }

    /// <summary>Passes over the value that begins here.</summary>
    private void Skip()
    {
        if (_json.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray)) return;
        var depth = _json.CurrentDepth;
        while (Next() && _json.CurrentDepth > depth) { }
    }

    private readonly Field FieldNamed()
    {
        if (_json.ValueIsEscaped) return Named(Encoding.UTF8.GetBytes(_json.GetString()!));
        return Named(_json.ValueSpan);

        static Field Named(ReadOnlySpan<byte> name) => name.Length switch
        {
            2 => name.SequenceEqual("id"u8) ? Field.Id : Field.Other,
            5 => name.SequenceEqual("title"u8) ? Field.Title : Field.Other,
            6 => name.SequenceEqual("status"u8)
                ? Field.Status : name.SequenceEqual("labels"u8)
                ? Field.Labels : name.SequenceEqual("pinned"u8) ? Field.Pinned : Field.Other,
            8 => name.SequenceEqual("priority"u8) ? Field.Priority : name.SequenceEqual("assignee"u8) ? Field.Assignee : Field.Other,
            9 => name.SequenceEqual("ephemeral"u8) ? Field.Ephemeral : name.SequenceEqual("closed_at"u8) ? Field.ClosedAt : Field.Other,
            10 => name.SequenceEqual("issue_type"u8) ? Field.IssueType
                : name.SequenceEqual("created_at"u8) ? Field.CreatedAt
                : name.SequenceEqual("updated_at"u8) ? Field.UpdatedAt
                : name.SequenceEqual("created_by"u8) ? Field.CreatedBy
                : name.SequenceEqual("blocked_by"u8) ? Field.BlockedBy
                : Field.Other,
            11 => name.SequenceEqual("description"u8) ? Field.Description : Field.Other,
            12 => name.SequenceEqual("dependencies"u8) ? Field.Dependencies : Field.Other,
            17 => name.SequenceEqual("estimated_minutes"u8) ? Field.EstimatedMinutes : Field.Other,
            _ => Field.Other,
        };
    }

    private static RefusedException InvalidJson(int number, string why) => Refused($"Invalid JSON on line {number}: {why}");

    private static RefusedException TooDeep(int number) => Refused($"JSON nesting depth exceeds limit ({MaxDepth}) on line {number}");

    private static RefusedException Refused(string detail) => new(RefusalKind.Mismatch, detail);

    private enum Field
    {
        Other,
        Id,
        Title,
        Description,
        Status,
        IssueType,
        Assignee,
        Priority,
        CreatedBy,
        Labels,
        CreatedAt,
        UpdatedAt,
        BlockedBy,
        Dependencies,
        Pinned,
        Ephemeral,
        ClosedAt,
        EstimatedMinutes,
    }
}
