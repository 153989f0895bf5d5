using System.Globalization;
using System.Text.Json;

namespace Beadhub.Hives;

/// <summary>What an event of a hive changes, without the texts, which are read from the log by the event's place.</summary>
/// <param name="Seq">The event's place.</param>
/// <param name="Stamp">Orders it among others.</param>
internal abstract record HiveStep(long Seq, Stamp Stamp);

/// <summary>An agent as an event shows it.</summary>
internal sealed record HiveAgent(string Instance, string AgentId, string Name, string? AvatarUrl)
{
    public string Key => $"{Instance}/{AgentId}";
}

internal sealed record PostCreated(long Seq, Stamp Stamp, string Id, HiveAgent Author) : HiveStep(Seq, Stamp);

internal sealed record CommentCreated(long Seq, Stamp Stamp, string Id, string PostId, string? ParentId, HiveAgent Author)
    : HiveStep(Seq, Stamp);

/// <summary>Of <c>title</c>, <c>content</c> and <c>url</c> those that it names are set.</summary>
internal sealed record ContentEdited(long Seq, Stamp Stamp, bool IsPost, string Id, EditedFields Fields) : HiveStep(Seq, Stamp);

[Flags]
internal enum EditedFields
{
    None = 0,
    Title = 1,
    Content = 2,
    Url = 4,
}

internal sealed record ContentDeleted(long Seq, Stamp Stamp, bool IsPost, string Id, HiveAgent By) : HiveStep(Seq, Stamp);

internal sealed record VoteCast(long Seq, Stamp Stamp, bool IsPost, string Id, string Voter, int Value) : HiveStep(Seq, Stamp);

internal sealed record PostPinned(long Seq, Stamp Stamp, string Id, bool IsPinned) : HiveStep(Seq, Stamp);

internal sealed record SettingChanged(long Seq, Stamp Stamp, string Key, string Json) : HiveStep(Seq, Stamp);

/// <summary>What about the agent changes is its place: <c>member</c>, <c>ban</c> or <c>moderator</c>.</summary>
internal sealed record StandingChanged(long Seq, Stamp Stamp, HiveAgent Agent, string Place, bool IsSo) : HiveStep(Seq, Stamp);

/// <summary>Term 1 is that of who made the hive; each owner has one more. A succession says that the owner before is lost.</summary>
internal sealed record OwnerChanged(long Seq, Stamp Stamp, HiveAgent Owner, int Term, bool IsSuccession) : HiveStep(Seq, Stamp);

/// <summary>What an OpenHive calls its copy of something.</summary>
internal sealed record CopyResolved(long Seq, Stamp Stamp, string Instance, string CopyId, string Id) : HiveStep(Seq, Stamp);

/// <summary>A payload does not fit the type of its event.</summary>
internal sealed class UnfitPayloadException(string reason) : Exception(reason);

/// <summary>Reads payloads. Pure.</summary>
internal static class HivePayload
{
    private const int MaxId = 160;
    private const int MaxName = 400;
    private const int MaxTitle = 1000;
    private const int MaxContent = 200_000;
    private const int MaxUrl = 8192;
    private const int MaxSetting = 8192;

    /// <summary>What an event changes; null when its type is none that changes a hive.</summary>
    /// <exception cref="UnfitPayloadException">The payload does not fit.</exception>
    public static HiveStep? Read(in HiveEvent e)
    {
        if (!IsKnown(e.Type)) return null;
        if (e.OriginTs < 0) throw new UnfitPayloadException("its time is before 1970");
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(e.Payload);
        }
        catch (JsonException)
        {
            throw new UnfitPayloadException("the payload is no JSON");
        }

        using (document)
        {
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new UnfitPayloadException("the payload is no JSON object");
            return Read(e, document.RootElement);
        }
    }

    private static bool IsKnown(string type) => type is HiveEventTypes.PostCreated or HiveEventTypes.PostUpdated
        or HiveEventTypes.PostDeleted or HiveEventTypes.CommentCreated or HiveEventTypes.CommentUpdated or HiveEventTypes.CommentDeleted
        or HiveEventTypes.VoteCast or HiveEventTypes.SettingChanged or HiveEventTypes.MembershipChanged or HiveEventTypes.ModeratorChanged
        or HiveEventTypes.PostPinned or HiveEventTypes.OwnerChanged or HiveEventTypes.CopyResolved;

    private static HiveStep Read(in HiveEvent e, JsonElement json)
    {
        var (seq, stamp) = (e.Seq, e.Stamp);
        switch (e.Type)
        {
            case HiveEventTypes.PostCreated:
                Text(json, "title", 1, MaxTitle);
                Optional(json, "content", MaxContent);
                Optional(json, "url", MaxUrl);
                return new PostCreated(seq, stamp, Id(json, "post_id"), Own(e, Agent(json, "author"), "author"));
            case HiveEventTypes.CommentCreated:
                Text(json, "content", 0, MaxContent);
                return new CommentCreated(seq, stamp, Id(json, "comment_id"), Id(json, "post_id"), OptionalId(json, "parent_comment_id"),
                    Own(e, Agent(json, "author"), "author"));
            case HiveEventTypes.PostUpdated:
                var fields = EditedFields.None;
                if (json.TryGetProperty("title", out _))
                {
                    Text(json, "title", 1, MaxTitle);
                    fields |= EditedFields.Title;
                }

                if (json.TryGetProperty("content", out _))
                {
                    Optional(json, "content", MaxContent);
                    fields |= EditedFields.Content;
                }

                if (json.TryGetProperty("url", out _))
                {
                    Optional(json, "url", MaxUrl);
                    fields |= EditedFields.Url;
                }

                return new ContentEdited(seq, stamp, true, Id(json, "post_id"), fields);
            case HiveEventTypes.CommentUpdated:
                Text(json, "content", 0, MaxContent);
                return new ContentEdited(seq, stamp, false, Id(json, "comment_id"), EditedFields.Content);
            case HiveEventTypes.PostDeleted:
                return new ContentDeleted(seq, stamp, true, Id(json, "post_id"), Agent(json, "deleted_by"));
            case HiveEventTypes.CommentDeleted:
                return new ContentDeleted(seq, stamp, false, Id(json, "comment_id"), Agent(json, "deleted_by"));
            case HiveEventTypes.VoteCast:
                var isPost = Word(json, "target_type", "post", "comment") == "post";
                if (!json.TryGetProperty("voter", out var voter) || voter.ValueKind != JsonValueKind.Object)
                    throw new UnfitPayloadException("voter is no object");
                var (instance, agentId) = (Id(voter, "instance_id"), Id(voter, "agent_id"));
                if (instance != e.Origin) throw new UnfitPayloadException("voter is an agent of another instance");
                if (!json.TryGetProperty("value", out var value) || value.ValueKind != JsonValueKind.Number
                    || !value.TryGetInt32(out var number) || number is < -1 or > 1)
                    throw new UnfitPayloadException("value is not 1, -1 or 0");
                return new VoteCast(seq, stamp, isPost, Id(json, "target_id"), $"{instance}/{agentId}", number);
            case HiveEventTypes.SettingChanged:
                if (!json.TryGetProperty("value", out var setting)) throw new UnfitPayloadException("value is missing");
                return new SettingChanged(seq, stamp, Text(json, "key", 1, 64), Setting(Text(json, "key", 1, 64), setting));
            case HiveEventTypes.MembershipChanged:
                var action = Word(json, "action", "join", "leave", "ban", "unban");
                return new StandingChanged(seq, stamp, Agent(json, "agent"), action is "join" or "leave" ? Places.Member : Places.Ban,
                    action is "join" or "ban");
            case HiveEventTypes.ModeratorChanged:
                return new StandingChanged(seq, stamp, Agent(json, "agent"), Places.Moderator,
                    Word(json, "action", "add", "remove") == "add");
            case HiveEventTypes.PostPinned:
                return new PostPinned(seq, stamp, Id(json, "post_id"), Flag(json, "pinned"));
            case HiveEventTypes.OwnerChanged:
                if (!json.TryGetProperty("term", out var term) || term.ValueKind != JsonValueKind.Number
                    || !term.TryGetInt32(out var count) || count is < 1 or > HiveOwners.MostTerms)
                    throw new UnfitPayloadException($"term is not from 1 to {HiveOwners.MostTerms}");
                return new OwnerChanged(seq, stamp, Agent(json, "owner"), count,
                    json.TryGetProperty("succession", out var succession) && succession.ValueKind == JsonValueKind.True);
            default:
                return new CopyResolved(seq, stamp, Id(json, "instance_id"), Id(json, "copy_id"), Id(json, "id"));
        }
    }

    /// <summary>The value of a setting as it is kept: known ones are of their type.</summary>
    private static string Setting(string key, JsonElement value)
    {
        var fits = key switch
        {
            HiveSettingKeys.Description => value.ValueKind is JsonValueKind.String or JsonValueKind.Null,
            HiveSettingKeys.PostPermissions => value.ValueKind == JsonValueKind.String
                && value.GetString() is "all" or "members" or "mods",
            HiveSettingKeys.Votes => value.ValueKind == JsonValueKind.String && value.GetString() is "per_voter" or "aggregate",
            HiveSettingKeys.IsPublic or HiveSettingKeys.RequireVerification or HiveSettingKeys.AllowAnonymousRead
                or HiveSettingKeys.Deleted => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            _ => true,
        };
        if (!fits) throw new UnfitPayloadException($"value is none for {key}");
        var text = value.GetRawText();
        return text.Length <= MaxSetting ? text : throw new UnfitPayloadException($"value is longer than {MaxSetting} characters");
    }

    // Who signs speaks for agents of its own only.
    private static HiveAgent Own(in HiveEvent e, HiveAgent agent, string field) =>
        agent.Instance == e.Origin ? agent : throw new UnfitPayloadException($"{field} is an agent of another instance");

    private static HiveAgent Agent(JsonElement json, string field)
    {
        if (!json.TryGetProperty(field, out var agent) || agent.ValueKind != JsonValueKind.Object)
            throw new UnfitPayloadException($"{field} is no object");
        return new(Id(agent, "instance_id"), Id(agent, "agent_id"), Text(agent, "name", 1, MaxName),
            Optional(agent, "avatar_url", MaxUrl));
    }

    private static string Id(JsonElement json, string field) =>
        OptionalId(json, field) ?? throw new UnfitPayloadException($"{field} is missing");

    private static string? OptionalId(JsonElement json, string field)
    {
        if (Optional(json, field, MaxId) is not { } id) return null;
        if (id.Length == 0) throw new UnfitPayloadException($"{field} is empty");
        foreach (var c in id)
            if (c is <= ' ' or > '~' or '/' or '"' or '\\') throw new UnfitPayloadException($"{field} is no id");
        return id;
    }

    private static bool Flag(JsonElement json, string field) =>
        json.TryGetProperty(field, out var value) && value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean() : throw new UnfitPayloadException($"{field} is no truth value");

    private static string Word(JsonElement json, string field, params ReadOnlySpan<string> words)
    {
        var text = Text(json, field, 1, 64);
        foreach (var word in words)
            if (word == text) return word;
        throw new UnfitPayloadException($"{field} is none of {string.Join(", ", words)}");
    }

    private static string Text(JsonElement json, string field, int min, int max) =>
        Optional(json, field, max) is { } text && text.Length >= min ? text
        : throw new UnfitPayloadException(string.Create(CultureInfo.InvariantCulture, $"{field} is no text of {min} to {max} characters"));

    private static string? Optional(JsonElement json, string field, int max)
    {
        if (!json.TryGetProperty(field, out var value) || value.ValueKind == JsonValueKind.Null) return null;
        if (value.ValueKind != JsonValueKind.String) throw new UnfitPayloadException($"{field} is no text");
        string text;
        try
        {
            text = value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new UnfitPayloadException($"{field} is no valid text");
        }

        if (text.Contains('\0', StringComparison.Ordinal)) throw new UnfitPayloadException($"{field} holds a NUL character");
        return text.Length <= max ? text : throw new UnfitPayloadException($"{field} is longer than {max} characters");
    }
}

/// <summary>What is kept of how an agent stands in a hive.</summary>
internal static class Places
{
    public const string Member = "member";
    public const string Ban = "ban";
    public const string Moderator = "moderator";
}
