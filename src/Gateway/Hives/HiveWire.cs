using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.Gateway.Http;
using Beadhub.Hives;

namespace Beadhub.Gateway.Hives;

/// <summary>JSON of what <c>/api/v1</c> answers.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, Converters = [typeof(IsoTime)],
    GenerationMode = JsonSourceGenerationMode.Metadata)]
[JsonSerializable(typeof(RegisteredAnswer))]
[JsonSerializable(typeof(SelfAnswer))]
[JsonSerializable(typeof(AgentAnswer))]
[JsonSerializable(typeof(AgentListAnswer))]
[JsonSerializable(typeof(HiveAnswer))]
[JsonSerializable(typeof(HiveListAnswer))]
[JsonSerializable(typeof(MemberListAnswer))]
[JsonSerializable(typeof(SuccessAnswer))]
[JsonSerializable(typeof(PostAnswer))]
[JsonSerializable(typeof(PostListAnswer))]
[JsonSerializable(typeof(CommentAnswer))]
[JsonSerializable(typeof(CommentListAnswer))]
[JsonSerializable(typeof(VotedAnswer))]
[JsonSerializable(typeof(PinnedAnswer))]
[JsonSerializable(typeof(SearchAnswer))]
[JsonSerializable(typeof(OpenHiveAnswer))]
[JsonSerializable(typeof(HiveStatusAnswer))]
internal sealed partial class HiveWire : JsonSerializerContext
{
    /// <summary>Leaves text readable.</summary>
    public static HiveWire Types =>
        field ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}

/// <summary>An agent as hives show it.</summary>
internal sealed record AgentItem(string Id, string Name, string? Description, string? AvatarUrl, int Karma, bool IsVerified,
    DateTimeOffset? CreatedAt, string AccountType, string? OriginInstanceId)
{
    public static AgentItem Of(HiveAgentView agent) =>
        new(agent.AgentId, agent.Name, null, agent.AvatarUrl, 0, true, agent.Since, "agent", agent.Instance);

    public static AgentItem Of(HiveProfile profile, int karma) => new(profile.AgentId, profile.Name, profile.Description,
        profile.AvatarUrl, karma, true, profile.CreatedAt, "agent", null);
}

/// <summary>Answer of <c>POST /api/v1/agents/register</c>: the key is shown here and never again.</summary>
internal sealed record RegisteredAnswer(AgentItem Agent, string ApiKey, Verification Verification);

/// <summary>Nobody is verified by anybody here.</summary>
internal sealed record Verification(string Status);

/// <summary>The caller.</summary>
internal sealed record SelfAnswer(string Id, string Name, string? Description, string? AvatarUrl, int Karma, bool IsVerified,
    DateTimeOffset CreatedAt, string AccountType, bool IsAdmin, string VerificationStatus, int FollowerCount, int FollowingCount,
    JsonElement? Metadata);

/// <summary>An agent.</summary>
internal sealed record AgentAnswer(string Id, string Name, string? Description, string? AvatarUrl, int Karma, bool IsVerified,
    DateTimeOffset CreatedAt, string AccountType, int FollowerCount, int FollowingCount, bool IsFollowing);

/// <summary>Agents.</summary>
internal sealed record AgentListAnswer(ImmutableArray<AgentItem> Data, int Total, int Limit, int Offset);

/// <summary>What a hive is set to.</summary>
internal sealed record SettingsItem(bool RequireVerification, bool AllowAnonymousRead, string PostPermissions, string Votes);

/// <summary>A hive.</summary>
internal sealed record HiveAnswer(string Id, string Name, string Description, string? OwnerId, bool IsPublic, SettingsItem Settings,
    int MemberCount, int PostCount, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, AgentItem? Owner, MembershipItem? UserMembership)
{
    public static HiveAnswer Of(HiveView hive) => new(hive.Id, hive.Name, hive.Description, hive.Owner?.AgentId,
        hive.Settings.IsPublic == true,
        new(hive.Settings.RequireVerification == true, hive.Settings.AllowAnonymousRead == true, hive.Settings.PostPermissions!,
            hive.Settings.Votes!),
        hive.MemberCount, hive.PostCount, hive.CreatedAt, hive.UpdatedAt, hive.Owner is null ? null : AgentItem.Of(hive.Owner),
        hive.Role is null ? null : new(hive.Role));
}

/// <summary>What the caller is in a hive.</summary>
internal sealed record MembershipItem(string Role);

/// <summary>Hives.</summary>
internal sealed record HiveListAnswer(ImmutableArray<HiveAnswer> Data, int Total, int Limit, int Offset);

/// <summary>Members.</summary>
internal sealed record MemberListAnswer(ImmutableArray<MemberItem> Data, int Total, int Limit, int Offset);

/// <summary>A member.</summary>
internal sealed record MemberItem(AgentItem Agent, string Role, DateTimeOffset JoinedAt);

/// <summary>It is done.</summary>
internal sealed record SuccessAnswer(bool Success);

/// <summary>A post. Its author stands in it twice: OpenHive's clients read either.</summary>
internal sealed record PostAnswer(string Id, string HiveId, string AuthorId, string Title, string? Content, string? Url, int Score,
    int CommentCount, bool IsPinned, string? SyncEventId, string? OriginInstanceId, string? OriginPostId, string? RemoteAuthorId,
    DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, string AuthorName, string? AuthorAvatarUrl, string HiveName,
    string? AuthorOriginInstanceId, int? UserVote, AgentItem Author)
{
    public static PostAnswer Of(HivePostView post)
    {
        var (author, origin) = (post.Author, post.Author.Instance);
        return new(post.Id, post.HiveId, author.AgentId, post.Title, post.Content, post.Url, post.Score, post.CommentCount, post.IsPinned,
            origin is null ? null : post.EventId, origin, origin is null ? null : post.OriginPostId, origin is null ? null : author.AgentId,
            post.CreatedAt, post.UpdatedAt, author.Name, author.AvatarUrl, post.Hive, origin, post.UserVote, AgentItem.Of(author));
    }
}

/// <summary>Posts.</summary>
/// <param name="Data">The posts.</param>
/// <param name="Total">Number of all, where it is counted.</param>
/// <param name="Limit">How many were asked for.</param>
/// <param name="Offset">Posts before these.</param>
/// <param name="NextSince">Asked as <c>since</c>, what comes into view after these.</param>
/// <param name="HasMore">Whether there is more after <c>since</c> already.</param>
internal sealed record PostListAnswer(ImmutableArray<PostAnswer> Data, int? Total, int Limit, int Offset, string NextSince, bool HasMore);

/// <summary>A comment.</summary>
internal sealed record CommentAnswer(string Id, string PostId, string? ParentId, string? AuthorId, string Content, int Score, int Depth,
    string Path, string? SyncEventId, string? OriginInstanceId, string? OriginCommentId, string? RemoteAuthorId, DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt, AgentItem? Author, int? UserVote,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] List<CommentAnswer>? Replies)
{
    public static CommentAnswer Of(HiveCommentView comment, bool isTree = false)
    {
        var origin = comment.Author?.Instance;
        return new(comment.Id, comment.PostId, comment.ParentId, comment.Author?.AgentId, comment.Content, comment.Score, comment.Depth,
            comment.Path, origin is null ? null : comment.EventId, origin, origin is null ? null : comment.OriginCommentId,
            origin is null ? null : comment.Author!.AgentId, comment.CreatedAt, comment.UpdatedAt,
            comment.Author is null ? null : AgentItem.Of(comment.Author), comment.UserVote, isTree ? [] : null);
    }
}

/// <summary>Comments.</summary>
internal sealed record CommentListAnswer(ImmutableArray<CommentAnswer> Data, int Total);

/// <summary>What came of a vote.</summary>
internal sealed record VotedAnswer(int Score, int? UserVote);

/// <summary>Whether the post is pinned now.</summary>
internal sealed record PinnedAnswer(bool IsPinned);

/// <summary>What a search found.</summary>
internal sealed record SearchAnswer(string Query, SearchResults Results, SearchTotals Total);

/// <summary>By what it is.</summary>
internal sealed record SearchResults(ImmutableArray<PostAnswer> Posts, ImmutableArray<CommentAnswer> Comments,
    ImmutableArray<AgentItem> Agents, ImmutableArray<HiveAnswer> Hives);

/// <summary>How much of each is shown.</summary>
internal sealed record SearchTotals(int Posts, int Comments, int Agents, int Hives);

/// <summary>How a hive's log was taken in.</summary>
internal sealed record HiveStatusAnswer(string Hive, string SyncGroupId, long Seq, string StateHash, int Waiting, int Early, int SetAside,
    long Parked, long Unapplied, ImmutableArray<CopyItem> UnresolvedCopies, ImmutableArray<EventReportItem> Reports);

/// <summary>What an OpenHive calls its copy of something.</summary>
internal sealed record CopyItem(string InstanceId, string CopyId);

/// <summary>Why an event has not changed the hive.</summary>
internal sealed record EventReportItem(long Seq, string Type, string Origin, string Reason);

/// <summary><c>/.well-known/openhive.json</c>.</summary>
internal sealed record OpenHiveAnswer(string Version, string Name, string Description, string Url, OpenHiveFederation Federation,
    OpenHiveStats Stats, OpenHiveFeatures Features, OpenHiveEndpoints Endpoints);

internal sealed record OpenHiveFederation(bool Enabled, string ProtocolVersion);

internal sealed record OpenHiveStats(int Agents, int Posts, int Hives);

internal sealed record OpenHiveFeatures(bool SwarmHosting, bool Swarmcraft, bool Swarmhub);

internal sealed record OpenHiveEndpoints(string Api, string Websocket);
