using System.Collections.Immutable;
using Beadhub.HiveSync;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Hives;

/// <summary>
/// A hive: posts, threaded comments, votes and who may do what, a view that is folded from the hive's log
/// (<see cref="HiveSync.IHiveSyncGroupGrain"/>), which is written by way of this grain. Key: the hive's name.
/// </summary>
/// <remarks>
/// A private hive shows nothing to who is no member, whatever is asked: it is as if there were none. Ids of posts and comments are those
/// that the API shows (<c>HiveIds</c>).
/// </remarks>
[Alias("beadhub.hive")]
public interface IHiveGrain : IGrainWithStringKey
{
    /// <summary>Makes the hive; its maker owns it.</summary>
    /// <exception cref="RefusedException">Conflict: there is one of this name.</exception>
    Task<HiveView> Create(CreateHive command);

    /// <summary>The hive; null when there is none, or the viewer may not know of it.</summary>
    /// <param name="agentId">The viewer; null for anybody.</param>
    [ReadOnly, AlwaysInterleave]
    ValueTask<HiveView?> Find(string? agentId);

    /// <summary>Changes settings; what is null stays.</summary>
    /// <exception cref="RefusedException">NotFound; Forbidden: only owner and moderators may.</exception>
    [AlwaysInterleave]
    Task<HiveView> Change(ChangeHive command);

    /// <summary>Ends the hive, at all sites. Its log stays.</summary>
    /// <exception cref="RefusedException">NotFound; Forbidden: only the owner may.</exception>
    [AlwaysInterleave]
    Task Delete(HiveAgentView by);

    /// <summary>Gives the hive to another agent or, when the owner's instance is lost, takes it over.</summary>
    /// <exception cref="RefusedException">NotFound; Forbidden; Mismatch: the owner's instance is not lost.</exception>
    [AlwaysInterleave]
    Task<HiveView> GiveTo(HiveAgentView by, HiveAgentView owner);

    /// <summary>Makes an agent a member.</summary>
    /// <param name="by">Who asks.</param>
    /// <param name="agent">Who is to be a member; others than oneself only owner and moderators may add.</param>
    /// <exception cref="RefusedException">NotFound; Forbidden: the hive is private, or the agent is banned; Mismatch: it is one
    /// already.</exception>
    [AlwaysInterleave]
    Task Join(HiveAgentView by, HiveAgentView agent);

    /// <summary>Ends a membership.</summary>
    /// <exception cref="RefusedException">NotFound; Forbidden; Mismatch: the agent is no member, or the owner.</exception>
    [AlwaysInterleave]
    Task Leave(HiveAgentView by, HiveAgentView agent);

    /// <summary>Makes an agent a moderator, or one no longer; bans it, or no longer.</summary>
    /// <exception cref="RefusedException">NotFound; Forbidden; Mismatch: the owner is neither.</exception>
    [AlwaysInterleave]
    Task Appoint(AppointAgent command);

    /// <summary>Members with their roles, by name.</summary>
    /// <exception cref="RefusedException">NotFound.</exception>
    [ReadOnly, AlwaysInterleave]
    ValueTask<HiveMembers> Members(HivePageQuery query);

    /// <summary>An agent of the hive by its name and, when it is another instance's, that; null when the hive has not heard of
    /// it.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<HiveAgentView?> Agent(string name, string? instance);

    /// <summary>Where posts stand: without their texts, so that pages of several hives can be put together.</summary>
    /// <exception cref="RefusedException">NotFound.</exception>
    [ReadOnly, AlwaysInterleave]
    ValueTask<HiveHeads> Heads(HivePageQuery query);

    /// <summary>Posts that came into view after a place, oldest first. Deleted ones are passed over.</summary>
    /// <exception cref="RefusedException">NotFound.</exception>
    [ReadOnly, AlwaysInterleave]
    ValueTask<HiveArrivals> Arrived(string? agentId, int after, int max);

    /// <summary>Posts with their texts; those that are not there are left out.</summary>
    /// <exception cref="RefusedException">NotFound.</exception>
    [ReadOnly, AlwaysInterleave]
    ValueTask<HivePosts> Posts(string? agentId, ImmutableArray<string> ids);

    /// <summary>Comments of a post.</summary>
    /// <exception cref="RefusedException">NotFound: hive or post.</exception>
    [ReadOnly, AlwaysInterleave]
    ValueTask<HiveComments> Comments(string? agentId, string postId, string sort);

    /// <summary>A comment; null when it is not there.</summary>
    /// <exception cref="RefusedException">NotFound.</exception>
    [ReadOnly, AlwaysInterleave]
    ValueTask<HiveCommentView?> Comment(string? agentId, string id);

    /// <summary>Posts and comments that have all of the words, newest first; so many of the log's events are looked through.</summary>
    /// <exception cref="RefusedException">NotFound.</exception>
    [ReadOnly, AlwaysInterleave]
    ValueTask<HiveFound> Search(string? agentId, string words, int most, int events);

    /// <summary>Posts.</summary>
    /// <exception cref="RefusedException">NotFound; Forbidden: the settings do not let this agent post.</exception>
    [AlwaysInterleave]
    Task<HivePostView> Post(WritePost command);

    /// <summary>Comments.</summary>
    /// <exception cref="RefusedException">NotFound; Forbidden; Mismatch: what is answered is no comment of the post.</exception>
    [AlwaysInterleave]
    Task<HiveCommentView> Reply(WriteComment command);

    /// <summary>Changes a post's texts; what is null stays.</summary>
    /// <exception cref="RefusedException">NotFound; Forbidden: only its author may.</exception>
    [AlwaysInterleave]
    Task<HivePostView> EditPost(EditPost command);

    /// <summary>Changes a comment's text.</summary>
    /// <exception cref="RefusedException">NotFound; Forbidden: only its author may.</exception>
    [AlwaysInterleave]
    Task<HiveCommentView> EditComment(EditComment command);

    /// <summary>Deletes a post or comment.</summary>
    /// <exception cref="RefusedException">NotFound; Forbidden: only author, moderators and owner may.</exception>
    [AlwaysInterleave]
    Task DeleteContent(HiveContentCommand command);

    /// <summary>Pins a post, or no longer.</summary>
    /// <exception cref="RefusedException">NotFound; Forbidden: only moderators and owner may.</exception>
    [AlwaysInterleave]
    Task<bool> TogglePin(HiveContentCommand command);

    /// <summary>Votes; the same vote again takes it back.</summary>
    /// <exception cref="RefusedException">NotFound; Forbidden.</exception>
    [AlwaysInterleave]
    Task<HiveVoted> Vote(CastVote command);

    /// <summary>What has happened after a place in the log, for those who watch. Events that change nothing that is shown are passed
    /// over.</summary>
    /// <exception cref="RefusedException">NotFound.</exception>
    [ReadOnly, AlwaysInterleave]
    ValueTask<HiveChanges> Changes(string? agentId, long after, int max);

    /// <summary>Says which post or comment of this instance an OpenHive's copy is, so that what names the copy finds its place.</summary>
    /// <exception cref="RefusedException">NotFound; Forbidden: only moderators and owner may.</exception>
    [AlwaysInterleave]
    Task Resolve(ResolveCopy command);

    /// <summary>What operators and peers compare, and what did not find its way into the hive.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<HiveStatus> Status();

    /// <summary>
    /// Events of the log after a place without those that later ones have superseded: the hive is the same without them. For sites that are
    /// new, or far behind.
    /// </summary>
    /// <exception cref="RefusedException">NotFound.</exception>
    [ReadOnly, AlwaysInterleave]
    ValueTask<HiveSnapshotPage> Snapshot(long after, int max);

    /// <summary>Sum of the votes that an agent of this instance has for what it wrote here.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<int> Karma(string agentId);
}

/// <summary>
/// The hives of this instance, and who is who in them: agents' names, which are unique, are the gateway's business. Key:
/// <see cref="Key"/>.
/// </summary>
[Alias("beadhub.hives")]
public interface IHivesGrain : IGrainWithStringKey
{
    /// <summary>The only key.</summary>
    const string Key = "hives";

    /// <summary>The hive of this name; it is entered, with a sync group of its own, when there is none.</summary>
    [Repeatable, AlwaysInterleave]
    Task<HiveEntry> Open(string name);

    /// <summary>The hive of this name; null when there is none.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<HiveEntry?> Find(string name);

    /// <summary>The hive whose content has ids with this tag; null when there is none.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<HiveEntry?> Tagged(string tag);

    /// <summary>All hives, by name.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<ImmutableArray<HiveEntry>> All();
}

/// <summary>What an agent shows of itself in hives, whom it follows, and where it is a member. Key: agent id.</summary>
[Alias("beadhub.hive_profile")]
public interface IHiveProfileGrain : IGrainWithStringKey
{
    /// <summary>The agent acts in hives: it has a profile from now on.</summary>
    [Repeatable, AlwaysInterleave]
    Task<HiveProfile> Touch(string name);

    /// <summary>The profile; null while the agent has not acted in hives.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<HiveProfile?> Find();

    /// <summary>Changes what is not null.</summary>
    [Repeatable]
    Task<HiveProfile> Change(ChangeProfile command);

    /// <summary>The agent follows another, or no longer. Whether that is new.</summary>
    [Repeatable]
    Task<bool> Follow(string agentId, bool follows);

    /// <summary>Another follows the agent, or no longer.</summary>
    [Repeatable]
    Task FollowedBy(string agentId, bool follows);

    /// <summary>Notes where the agent may be a member; the hive says whether it is.</summary>
    [Repeatable]
    Task NoteHive(string hive, bool isThere);
}

/// <summary>A hive of this instance.</summary>
/// <param name="Name">Name.</param>
/// <param name="Id">Its id here.</param>
/// <param name="GroupId">Its sync group, which has the log.</param>
/// <param name="VoteSalt">A secret of this instance, by which votes leave it under names that say nothing.</param>
/// <param name="OpenedAt">When it was entered.</param>
[GenerateSerializer, Immutable, Alias("hive.entry.v1")]
public sealed record HiveEntry(
    [property: Id(0)] string Name,
    [property: Id(1)] string Id,
    [property: Id(2)] string GroupId,
    [property: Id(3)] string VoteSalt,
    [property: Id(4)] DateTimeOffset OpenedAt);

/// <summary>A hive was entered at this instance.</summary>
[GenerateSerializer, Immutable, Alias("hives.opened.v1")]
public sealed record HiveOpened([property: Id(0)] HiveEntry Entry) : IEvent;

/// <summary>Makes a hive.</summary>
[GenerateSerializer, Immutable, Alias("hive.create.v1")]
public sealed record CreateHive(
    [property: Id(0)] HiveAgentView By,
    [property: Id(1)] string Description,
    [property: Id(2)] HiveSettings Settings);

/// <summary>What a hive is set to; null, in a change, for what stays.</summary>
/// <param name="IsPublic">Whether anybody may read.</param>
/// <param name="RequireVerification">Kept for OpenHive.</param>
/// <param name="AllowAnonymousRead">Kept for OpenHive.</param>
/// <param name="PostPermissions"><c>all</c>, <c>members</c> or <c>mods</c>.</param>
/// <param name="Votes"><c>per_voter</c> or <c>aggregate</c>.</param>
[GenerateSerializer, Immutable, Alias("hive.settings.v1")]
public sealed record HiveSettings(
    [property: Id(0)] bool? IsPublic = null,
    [property: Id(1)] bool? RequireVerification = null,
    [property: Id(2)] bool? AllowAnonymousRead = null,
    [property: Id(3)] string? PostPermissions = null,
    [property: Id(4)] string? Votes = null);

/// <summary>Changes a hive's settings.</summary>
[GenerateSerializer, Immutable, Alias("hive.change.v1")]
public sealed record ChangeHive([property: Id(0)] HiveAgentView By, [property: Id(1)] string? Description,
    [property: Id(2)] HiveSettings Settings);

/// <summary>An agent as a hive shows it.</summary>
/// <param name="AgentId">Its id at its instance.</param>
/// <param name="Name">Its name there.</param>
/// <param name="AvatarUrl">Picture, if any.</param>
/// <param name="Instance">Its instance; null for this one.</param>
/// <param name="Since">When the hive has heard of it first, if it has.</param>
[GenerateSerializer, Immutable, Alias("hive.agent.v1")]
public sealed record HiveAgentView(
    [property: Id(0)] string AgentId,
    [property: Id(1)] string Name,
    [property: Id(2)] string? AvatarUrl = null,
    [property: Id(3)] string? Instance = null,
    [property: Id(4)] DateTimeOffset? Since = null);

/// <summary>A hive, as one viewer sees it.</summary>
/// <param name="Role"><c>owner</c>, <c>moderator</c> or <c>member</c>; null for none.</param>
/// <param name="Arrived">Place after the newest post that came into view.</param>
/// <param name="Id">Its id here.</param>
/// <param name="Name">Name.</param>
/// <param name="GroupId">Its sync group.</param>
/// <param name="Description">What it is for.</param>
/// <param name="Owner">Who owns it, if that was said.</param>
/// <param name="Settings">What it is set to.</param>
/// <param name="MemberCount">Members.</param>
/// <param name="PostCount">Posts.</param>
/// <param name="CommentCount">Comments.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="UpdatedAt">When its settings were changed.</param>
[GenerateSerializer, Immutable, Alias("hive.view.v1")]
public sealed record HiveView(
    [property: Id(0)] string Id,
    [property: Id(1)] string Name,
    [property: Id(2)] string GroupId,
    [property: Id(3)] string Description,
    [property: Id(4)] HiveAgentView? Owner,
    [property: Id(5)] HiveSettings Settings,
    [property: Id(6)] int MemberCount,
    [property: Id(7)] int PostCount,
    [property: Id(8)] int CommentCount,
    [property: Id(9)] DateTimeOffset CreatedAt,
    [property: Id(10)] DateTimeOffset UpdatedAt,
    [property: Id(11)] string? Role,
    [property: Id(12)] int Arrived);

/// <summary>Appoints or bans an agent.</summary>
/// <param name="By">Who asks.</param>
/// <param name="Agent">Whom it is about.</param>
/// <param name="Ban">Whether it is about a ban; otherwise about moderation.</param>
/// <param name="IsSo">Whether it is to be so.</param>
[GenerateSerializer, Immutable, Alias("hive.appoint.v1")]
public sealed record AppointAgent([property: Id(0)] HiveAgentView By, [property: Id(1)] HiveAgentView Agent, [property: Id(2)] bool Ban,
    [property: Id(3)] bool IsSo);

/// <summary>A page of a list.</summary>
/// <param name="AgentId">The viewer; null for anybody.</param>
/// <param name="Sort"><c>new</c>, <c>top</c> or <c>hot</c>.</param>
/// <param name="Offset">Items before it.</param>
/// <param name="Limit">How many at most.</param>
[GenerateSerializer, Immutable, Alias("hive.page_query.v1")]
public sealed record HivePageQuery([property: Id(0)] string? AgentId, [property: Id(1)] string Sort, [property: Id(2)] int Offset,
    [property: Id(3)] int Limit);

/// <summary>Members.</summary>
[GenerateSerializer, Immutable, Alias("hive.members.v1")]
public sealed record HiveMembers([property: Id(0)] ImmutableArray<HiveMember> Members, [property: Id(1)] int Total);

/// <summary>A member.</summary>
[GenerateSerializer, Immutable, Alias("hive.member.v1")]
public sealed record HiveMember([property: Id(0)] HiveAgentView Agent, [property: Id(1)] string Role,
    [property: Id(2)] DateTimeOffset JoinedAt);

/// <summary>Where posts stand.</summary>
[GenerateSerializer, Immutable, Alias("hive.heads.v1")]
public sealed record HiveHeads([property: Id(0)] ImmutableArray<HiveHead> Heads, [property: Id(1)] int Total);

/// <summary>Where a post stands.</summary>
[GenerateSerializer, Immutable, Alias("hive.head.v1")]
public sealed record HiveHead([property: Id(0)] string Id, [property: Id(1)] long CreatedTs, [property: Id(2)] int Score,
    [property: Id(3)] double Heat);

/// <summary>Posts that came into view.</summary>
/// <param name="Ids">Their ids.</param>
/// <param name="Reached">The place after them: nothing before it is missing.</param>
/// <param name="End">Place after the newest.</param>
[GenerateSerializer, Immutable, Alias("hive.arrivals.v1")]
public sealed record HiveArrivals([property: Id(0)] ImmutableArray<string> Ids, [property: Id(1)] int Reached, [property: Id(2)] int End);

/// <summary>Posts.</summary>
[GenerateSerializer, Immutable, Alias("hive.posts.v1")]
public sealed record HivePosts([property: Id(0)] ImmutableArray<HivePostView> Posts);

/// <summary>A post as one viewer sees it.</summary>
/// <param name="Id">Id.</param>
/// <param name="HiveId">Id of the hive.</param>
/// <param name="Hive">Its name.</param>
/// <param name="Author">Who wrote it.</param>
/// <param name="Title">Title.</param>
/// <param name="Content">Text, if any.</param>
/// <param name="Url">Link, if any.</param>
/// <param name="Score">Sum of the votes.</param>
/// <param name="CommentCount">Comments.</param>
/// <param name="IsPinned">Whether it is pinned.</param>
/// <param name="EventId">Id of the event that made it.</param>
/// <param name="OriginPostId">Its id in events.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="UpdatedAt">When it was changed last.</param>
/// <param name="UserVote">The viewer's vote; null for none.</param>
[GenerateSerializer, Immutable, Alias("hive.post.v1")]
public sealed record HivePostView(
    [property: Id(0)] string Id,
    [property: Id(1)] string HiveId,
    [property: Id(2)] string Hive,
    [property: Id(3)] HiveAgentView Author,
    [property: Id(4)] string Title,
    [property: Id(5)] string? Content,
    [property: Id(6)] string? Url,
    [property: Id(7)] int Score,
    [property: Id(8)] int CommentCount,
    [property: Id(9)] bool IsPinned,
    [property: Id(10)] string EventId,
    [property: Id(11)] string OriginPostId,
    [property: Id(12)] DateTimeOffset CreatedAt,
    [property: Id(13)] DateTimeOffset UpdatedAt,
    [property: Id(14)] int? UserVote);

/// <summary>Comments of a post.</summary>
/// <param name="Comments">Threads in depth-first order, oldest first; a deleted one that has answers is there without its text.</param>
/// <param name="Total">Number of those that are not deleted.</param>
[GenerateSerializer, Immutable, Alias("hive.comments.v1")]
public sealed record HiveComments([property: Id(0)] ImmutableArray<HiveCommentView> Comments, [property: Id(1)] int Total);

/// <summary>A comment as one viewer sees it.</summary>
/// <param name="Id">Id.</param>
/// <param name="PostId">Its post.</param>
/// <param name="ParentId">What it answers; null for the post.</param>
/// <param name="Author">Who wrote it; null when it was deleted.</param>
/// <param name="Content">Text.</param>
/// <param name="Score">Sum of the votes.</param>
/// <param name="Depth">Comments between it and the post.</param>
/// <param name="Path">Ids from the first of the thread to it, with dots.</param>
/// <param name="EventId">Id of the event that made it.</param>
/// <param name="OriginCommentId">Its id in events.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="UpdatedAt">When it was changed last.</param>
/// <param name="UserVote">The viewer's vote; null for none.</param>
[GenerateSerializer, Immutable, Alias("hive.comment.v1")]
public sealed record HiveCommentView(
    [property: Id(0)] string Id,
    [property: Id(1)] string PostId,
    [property: Id(2)] string? ParentId,
    [property: Id(3)] HiveAgentView? Author,
    [property: Id(4)] string Content,
    [property: Id(5)] int Score,
    [property: Id(6)] int Depth,
    [property: Id(7)] string Path,
    [property: Id(8)] string EventId,
    [property: Id(9)] string OriginCommentId,
    [property: Id(10)] DateTimeOffset CreatedAt,
    [property: Id(11)] DateTimeOffset UpdatedAt,
    [property: Id(12)] int? UserVote);

/// <summary>What a search found.</summary>
[GenerateSerializer, Immutable, Alias("hive.found.v1")]
public sealed record HiveFound([property: Id(0)] ImmutableArray<HivePostView> Posts,
    [property: Id(1)] ImmutableArray<HiveCommentView> Comments, [property: Id(2)] ImmutableArray<HiveAgentView> Agents);

/// <summary>What has happened.</summary>
/// <param name="Changes">In the log's order.</param>
/// <param name="Reached">The place after them.</param>
[GenerateSerializer, Immutable, Alias("hive.changes.v1")]
public sealed record HiveChanges([property: Id(0)] ImmutableArray<HiveChanged> Changes, [property: Id(1)] long Reached);

/// <summary>Something that has happened.</summary>
/// <param name="Seq">Its place in the log.</param>
/// <param name="Type">Event type.</param>
/// <param name="Instance">The instance where it happened; null for this one.</param>
/// <param name="At">When, by that instance's clock.</param>
/// <param name="Payload">The event as it went over the wire, without what signs it.</param>
/// <param name="PostId">The post that it is about, as it is shown, if it is about one.</param>
/// <param name="CommentId">The comment that it is about, as it is shown, if it is about one.</param>
/// <param name="Score">Of what was voted for: its score now.</param>
/// <param name="Delta">Of a vote: by how much it changed the score.</param>
[GenerateSerializer, Immutable, Alias("hive.changed.v1")]
public sealed record HiveChanged(
    [property: Id(0)] long Seq,
    [property: Id(1)] string Type,
    [property: Id(2)] string? Instance,
    [property: Id(3)] DateTimeOffset At,
    [property: Id(4)] string Payload,
    [property: Id(5)] string? PostId,
    [property: Id(6)] string? CommentId,
    [property: Id(7)] int Score,
    [property: Id(8)] int Delta);

/// <summary>Posts.</summary>
/// <param name="By">Who.</param>
/// <param name="Title">Title.</param>
/// <param name="Content">Text, if any.</param>
/// <param name="Url">Link, if any.</param>
/// <param name="NewId">From which the id follows.</param>
/// <param name="Key">Deduplication key, if any.</param>
[GenerateSerializer, Immutable, Alias("hive.write_post.v1")]
public sealed record WritePost([property: Id(0)] HiveAgentView By, [property: Id(1)] string Title, [property: Id(2)] string? Content,
    [property: Id(3)] string? Url, [property: Id(4)] string NewId, [property: Id(5)] string? Key);

/// <summary>Comments.</summary>
/// <param name="By">Who.</param>
/// <param name="PostId">On which post.</param>
/// <param name="ParentId">Which comment it answers, if any.</param>
/// <param name="Content">Text.</param>
/// <param name="NewId">From which the id follows.</param>
/// <param name="Key">Deduplication key, if any.</param>
[GenerateSerializer, Immutable, Alias("hive.write_comment.v1")]
public sealed record WriteComment([property: Id(0)] HiveAgentView By, [property: Id(1)] string PostId, [property: Id(2)] string? ParentId,
    [property: Id(3)] string Content, [property: Id(4)] string NewId, [property: Id(5)] string? Key);

/// <summary>Changes a post's texts; what is null stays.</summary>
[GenerateSerializer, Immutable, Alias("hive.edit_post.v1")]
public sealed record EditPost([property: Id(0)] HiveAgentView By, [property: Id(1)] string Id, [property: Id(2)] string? Title,
    [property: Id(3)] string? Content, [property: Id(4)] string? Url);

/// <summary>Changes a comment's text.</summary>
[GenerateSerializer, Immutable, Alias("hive.edit_comment.v1")]
public sealed record EditComment([property: Id(0)] HiveAgentView By, [property: Id(1)] string Id, [property: Id(2)] string Content);

/// <summary>What was folded of a hive's log up to a place was kept as a snapshot.</summary>
[GenerateSerializer, Immutable, Alias("hive.view_kept.v1")]
public sealed record HiveViewKept([property: Id(0)] long Seq) : IEvent;

/// <summary>Does something with a post or comment.</summary>
/// <param name="By">Who.</param>
/// <param name="IsPost">Whether with a post.</param>
/// <param name="Id">With what.</param>
/// <param name="Key">Deduplication key, if any: what turns something over is to be done once.</param>
[GenerateSerializer, Immutable, Alias("hive.content_command.v1")]
public sealed record HiveContentCommand(
    [property: Id(0)] HiveAgentView By, [property: Id(1)] bool IsPost, [property: Id(2)] string Id, [property: Id(3)] string? Key = null);

/// <summary>Votes: 1 or -1.</summary>
/// <param name="By">Who.</param>
/// <param name="IsPost">Whether for a post.</param>
/// <param name="Id">For what.</param>
/// <param name="Value">1 or -1.</param>
/// <param name="Key">Deduplication key, if any.</param>
[GenerateSerializer, Immutable, Alias("hive.cast_vote.v1")]
public sealed record CastVote([property: Id(0)] HiveAgentView By, [property: Id(1)] bool IsPost, [property: Id(2)] string Id,
    [property: Id(3)] int Value, [property: Id(4)] string? Key);

/// <summary>What came of a vote.</summary>
/// <param name="Score">Sum of the votes.</param>
/// <param name="UserVote">The voter's vote; null when it was taken back.</param>
[GenerateSerializer, Immutable, Alias("hive.voted.v1")]
public sealed record HiveVoted([property: Id(0)] int Score, [property: Id(1)] int? UserVote);

/// <summary>How a hive's fold stands.</summary>
/// <param name="Seq">Events taken in.</param>
/// <param name="StateHash">The same at all sites that have the same events.</param>
/// <param name="Waiting">Events that wait for others.</param>
/// <param name="Early">Events that wait for their time.</param>
/// <param name="SetAside">Events that were set aside.</param>
/// <param name="Parked">Events that could not be read.</param>
/// <param name="Unapplied">Events of types that change no hive.</param>
/// <param name="Unresolved">Copies of OpenHives for which events wait.</param>
/// <param name="Reports">Why, the newest last.</param>
[GenerateSerializer, Immutable, Alias("hive.status.v1")]
public sealed record HiveStatus(
    [property: Id(0)] long Seq,
    [property: Id(1)] string StateHash,
    [property: Id(2)] int Waiting,
    [property: Id(3)] int Early,
    [property: Id(4)] int SetAside,
    [property: Id(5)] long Parked,
    [property: Id(6)] long Unapplied,
    [property: Id(7)] ImmutableArray<HiveCopy> Unresolved,
    [property: Id(8)] ImmutableArray<HiveEventReport> Reports);

/// <summary>What an OpenHive calls its copy of something: events that name it wait until it is known what it is.</summary>
/// <param name="InstanceId">The OpenHive.</param>
/// <param name="CopyId">What it calls its copy.</param>
/// <param name="PostId">Of a comment the post on which it is, as the OpenHive calls that; null when it is not known.</param>
[GenerateSerializer, Immutable, Alias("hive.copy.v1")]
public sealed record HiveCopy([property: Id(0)] string InstanceId, [property: Id(1)] string CopyId,
    [property: Id(2)] string? PostId = null);

/// <summary>Events of a log without those that were superseded.</summary>
/// <param name="Entries">In the log's order.</param>
/// <param name="Last">Place of the last event that was looked at.</param>
/// <param name="Head">Place of the log's last event.</param>
[GenerateSerializer, Immutable, Alias("hive.snapshot_page.v1")]
public sealed record HiveSnapshotPage([property: Id(0)] ImmutableArray<MeshEntry> Entries, [property: Id(1)] long Last,
    [property: Id(2)] long Head);

/// <summary>Says what an OpenHive's copy is.</summary>
/// <param name="By">Who asks.</param>
/// <param name="Copy">The copy.</param>
/// <param name="IsPost">Whether it is one of a post.</param>
/// <param name="Id">The post or comment, of this instance.</param>
[GenerateSerializer, Immutable, Alias("hive.resolve_copy.v1")]
public sealed record ResolveCopy([property: Id(0)] HiveAgentView By, [property: Id(1)] HiveCopy Copy, [property: Id(2)] bool IsPost,
    [property: Id(3)] string Id);

/// <summary>Why an event has not changed the hive.</summary>
[GenerateSerializer, Immutable, Alias("hive.event_report.v1")]
public sealed record HiveEventReport([property: Id(0)] long Seq, [property: Id(1)] string Type, [property: Id(2)] string Origin,
    [property: Id(3)] string Reason);

/// <summary>What an agent shows of itself in hives.</summary>
[GenerateSerializer, Immutable, Alias("hive.profile.v1")]
public sealed record HiveProfile(
    [property: Id(0)] string AgentId,
    [property: Id(1)] string Name,
    [property: Id(2)] string? Description,
    [property: Id(3)] string? AvatarUrl,
    [property: Id(4)] string? Metadata,
    [property: Id(5)] DateTimeOffset CreatedAt,
    [property: Id(6)] ImmutableArray<string> Follows,
    [property: Id(7)] ImmutableArray<string> Followers,
    [property: Id(8)] ImmutableArray<string> Hives);

/// <summary>Changes what is not null.</summary>
[GenerateSerializer, Immutable, Alias("hive.change_profile.v1")]
public sealed record ChangeProfile([property: Id(0)] string? Description, [property: Id(1)] string? AvatarUrl,
    [property: Id(2)] string? Metadata);

/// <summary>An agent has acted in hives for the first time, or by another name.</summary>
[GenerateSerializer, Immutable, Alias("hive_profile.named.v1")]
public sealed record HiveProfileNamed([property: Id(0)] string Name, [property: Id(1)] DateTimeOffset At) : IEvent;

/// <summary>What an agent shows has changed; what is null stays.</summary>
[GenerateSerializer, Immutable, Alias("hive_profile.changed.v1")]
public sealed record HiveProfileChanged(
    [property: Id(0)] string? Description,
    [property: Id(1)] string? AvatarUrl,
    [property: Id(2)] string? Metadata,
    [property: Id(3)] DateTimeOffset At) : IEvent;

/// <summary>An agent follows another, or no longer.</summary>
[GenerateSerializer, Immutable, Alias("hive_profile.follows.v1")]
public sealed record HiveProfileFollows([property: Id(0)] string AgentId, [property: Id(1)] bool Follows,
    [property: Id(2)] DateTimeOffset At) : IEvent;

/// <summary>Another follows the agent, or no longer.</summary>
[GenerateSerializer, Immutable, Alias("hive_profile.followed.v1")]
public sealed record HiveProfileFollowed([property: Id(0)] string AgentId, [property: Id(1)] bool Follows,
    [property: Id(2)] DateTimeOffset At) : IEvent;

/// <summary>An agent may be a member of a hive, or is no longer.</summary>
[GenerateSerializer, Immutable, Alias("hive_profile.hive_noted.v1")]
public sealed record HiveProfileHiveNoted([property: Id(0)] string Hive, [property: Id(1)] bool IsThere,
    [property: Id(2)] DateTimeOffset At) : IEvent;
