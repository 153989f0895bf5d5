using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Beadhub.EventLog;
using Beadhub.HiveSync;
using Microsoft.Extensions.Logging;
using Orleans;

namespace Beadhub.Hives;

/// <inheritdoc cref="IHiveGrain"/>
/// <remarks>
/// What is asked for is decided on the view as it is, and written as events that mean the same whatever comes between: nothing is locked.
/// Reads come on any thread.
/// </remarks>
[ProjectPlacement]
public sealed partial class HiveGrain(IEventLog log, ICommittedFeed committed, TimeProvider time, ILogger<HiveGrain> logger)
    : Grain, IHiveGrain
{
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly SemaphoreSlim _opening = new(1, 1);
    private volatile Opened? _opened;

    /// <summary>The hive, once it is known that there is one.</summary>
    private sealed record Opened(HiveEntry Entry, string Instance, HiveProjection Hive, HiveTexts Texts)
    {
        public string Tag { get; } = HiveIds.TagOf(Entry.Name);

        public string KeyOf(string agentId) => $"{Instance}/{agentId}";
    }

    private string Name => this.GetPrimaryKeyString();

    /// <inheritdoc/>
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) =>
        _opened?.Hive.DisposeAsync().AsTask() ?? Task.CompletedTask;

    /// <inheritdoc/>
    public async Task<HiveView> Create(CreateHive command)
    {
        await GrainFactory.GetGrain<IHivesGrain>(IHivesGrain.Key).Open(Name);
        var o = (await Open())!;
        if (await o.Hive.Find(static hive => hive.Owners.Current is not null || hive.Arrived.Count > 0))
            throw new RefusedException(RefusalKind.Conflict, "Hive name already taken");
        var changes = ImmutableArray.CreateBuilder<HiveChange>();
        changes.Add(OwnerChange(o, command.By, command.By, 1, false, 0));
        changes.AddRange(SettingChanges(o, command.By, command.Description, command.Settings));
        changes.Add(StandingChange(o, HiveEventTypes.MembershipChanged, command.By, command.By, "join", 0));
        // One key for all: of two who make it at once at two nodes, one does.
        await Write(o, "hive.create", [.. changes]);
        var view = await Existing(o, command.By.AgentId);
        return view.Owner is { Instance: null } owner && owner.AgentId == command.By.AgentId ? view
            : throw new RefusedException(RefusalKind.Conflict, "Hive name already taken");
    }

    /// <inheritdoc/>
    public async Task<HiveView> Change(ChangeHive command)
    {
        var o = await Seen(command.By.AgentId);
        await o.Hive.Find(hive => MustBe(hive, o, command.By.AgentId, HiveRole.Moderator));
        var changes = SettingChanges(o, command.By, command.Description, command.Settings,
            await o.Hive.Find(static hive => hive.SettingsTs + 1)).ToArray();
        if (changes.Length > 0) await Write(o, null, changes);
        return await Existing(o, command.By.AgentId);
    }

    /// <inheritdoc/>
    public async Task Delete(HiveAgentView by)
    {
        var o = await Seen(by.AgentId);
        await o.Hive.Find(hive => MustBe(hive, o, by.AgentId, HiveRole.Owner));
        await Write(o, null, Setting(o, by, HiveSettingKeys.Deleted, "true", 0));
    }

    /// <inheritdoc/>
    public async Task<HiveView> GiveTo(HiveAgentView by, HiveAgentView owner)
    {
        var o = await Seen(by.AgentId);
        var (term, ts, succession) = await o.Hive.Find(hive =>
        {
            var role = MustBe(hive, o, by.AgentId, HiveRole.Moderator);
            var (current, now) = (hive.Owners.Current, time.GetUtcNow().ToUnixTimeMilliseconds());
            if (current is null) return (1, 0L, false);
            if (role == HiveRole.Owner) return (current.Term + 1, current.Stamp.Ts + 1, false);
            // Another instance's hive is taken over only when that is lost, and by whose turn it is.
            if (current.Owner.Instance == o.Instance) throw Forbidden("Only the owner can do this");
            return hive.Owners.Heir(current.Owner.Instance) == o.Instance
                && hive.Owners.IsSilent(current.Owner.Instance, current.Stamp.Ts, now)
                ? (current.Term + 1, current.Stamp.Ts + 1, true)
                : throw new RefusedException(RefusalKind.Mismatch,
                    $"The owner's instance is not lost: it counts as lost after {HiveOwners.SilentDays} days without an event, "
                    + "and the instance that has been in the hive longest takes over");
        });
        await Write(o, null, OwnerChange(o, by, owner, term, succession, ts));
        return await Existing(o, by.AgentId);
    }

    /// <inheritdoc/>
    public async Task Join(HiveAgentView by, HiveAgentView agent)
    {
        var o = await Open();
        if (o is null || await o.Hive.Find(static hive => IsDeleted(hive))) throw NoHive();
        var ts = await o.Hive.Find(hive =>
        {
            var (actor, known) = (Role(hive, o, by.AgentId), AgentOf(hive, o, agent));
            if (!IsSame(by, agent) && actor < HiveRole.Moderator) throw Forbidden("Only owner and moderators add others");
            if (IsSame(by, agent) && !IsPublic(hive)) throw Forbidden("This hive is private");
            return hive.Role(known) switch
            {
                HiveRole.Banned => throw Forbidden("Banned from this hive"),
                HiveRole.None => known is null ? 0 : known.Membership.LastTs + 1,
                _ => throw new RefusedException(RefusalKind.Mismatch, "Already a member of this hive"),
            };
        });
        await Write(o, null, StandingChange(o, HiveEventTypes.MembershipChanged, by, agent, "join", ts));
    }

    /// <inheritdoc/>
    public async Task Leave(HiveAgentView by, HiveAgentView agent)
    {
        var o = await Seen(by.AgentId);
        var ts = await o.Hive.Find(hive =>
        {
            if (!IsSame(by, agent)) MustBe(hive, o, by.AgentId, HiveRole.Moderator);
            var known = AgentOf(hive, o, agent);
            return hive.Role(known) switch
            {
                HiveRole.Owner => throw new RefusedException(RefusalKind.Mismatch, "The owner cannot leave the hive"),
                HiveRole.None or HiveRole.Banned => throw new RefusedException(RefusalKind.Mismatch, "Not a member of this hive"),
                HiveRole.Moderator => Math.Max(known!.Membership.LastTs, known.Moderator.LastTs) + 1,
                _ => known!.Membership.LastTs + 1,
            };
        });
        await Write(o, null, StandingChange(o, HiveEventTypes.ModeratorChanged, by, agent, "remove", ts),
            StandingChange(o, HiveEventTypes.MembershipChanged, by, agent, "leave", ts));
    }

    /// <inheritdoc/>
    public async Task Appoint(AppointAgent command)
    {
        var (by, agent) = (command.By, command.Agent);
        var o = await Seen(by.AgentId);
        var ts = await o.Hive.Find(hive =>
        {
            MustBe(hive, o, by.AgentId, command.Ban ? HiveRole.Moderator : HiveRole.Owner);
            var known = AgentOf(hive, o, agent);
            if (hive.Role(known) == HiveRole.Owner)
                throw new RefusedException(RefusalKind.Mismatch, "The owner is neither moderator nor banned");
            if (command.Ban && hive.Role(known) == HiveRole.Moderator) MustBe(hive, o, by.AgentId, HiveRole.Owner);
            return known is null ? 0 : (command.Ban ? known.Ban : known.Moderator).LastTs + 1;
        });
        await Write(o, null, command.Ban
            ? StandingChange(o, HiveEventTypes.MembershipChanged, by, agent, command.IsSo ? "ban" : "unban", ts)
            : StandingChange(o, HiveEventTypes.ModeratorChanged, by, agent, command.IsSo ? "add" : "remove", ts));
    }

    /// <inheritdoc/>
    public async Task<HivePostView> Post(WritePost command)
    {
        var o = await Seen(command.By.AgentId);
        var id = HiveIds.New(o.Tag, o.Instance, command.NewId);
        await o.Hive.Find(hive =>
        {
            var role = Role(hive, o, command.By.AgentId);
            if (role == HiveRole.Banned) throw Forbidden("Banned from this hive");
            return hive.Setting(HiveSettingKeys.PostPermissions) switch
            {
                "\"members\"" when role < HiveRole.Member => throw Forbidden("Only members can post in this hive"),
                "\"mods\"" when role < HiveRole.Moderator => throw Forbidden("Only moderators can post in this hive"),
                _ => true,
            };
        });
        await Write(o, command.Key, Change(HiveEventTypes.PostCreated, 0, json =>
        {
            json.WriteString("post_id", id);
            json.WriteString("title", command.Title);
            json.WriteString("content", command.Content);
            json.WriteString("url", command.Url);
            WriteAgent(json, "author", o, command.By);
        }));
        return await OnePost(o, command.By.AgentId, id);
    }

    /// <inheritdoc/>
    public async Task<HiveCommentView> Reply(WriteComment command)
    {
        var o = await Seen(command.By.AgentId);
        var id = HiveIds.New(o.Tag, o.Instance, command.NewId);
        var (post, parent) = await o.Hive.Find(hive =>
        {
            if (Role(hive, o, command.By.AgentId) == HiveRole.Banned) throw Forbidden("Banned from this hive");
            var on = PostOf(hive, o, command.PostId);
            if (command.ParentId is null) return (on.Id, default(string));
            return CommentOf(hive, o, command.ParentId) is { Deleted: null } answered && answered.Post == on ? (on.Id, answered.Id)
                : throw new RefusedException(RefusalKind.Mismatch, "Parent comment not found");
        });
        await Write(o, command.Key, Change(HiveEventTypes.CommentCreated, 0, json =>
        {
            json.WriteString("comment_id", id);
            json.WriteString("post_id", post);
            json.WriteString("parent_comment_id", parent);
            json.WriteString("content", command.Content);
            WriteAgent(json, "author", o, command.By);
        }));
        return await Comment(command.By.AgentId, id) ?? throw NoComment();
    }

    /// <inheritdoc/>
    public async Task<HivePostView> EditPost(EditPost command)
    {
        var o = await Seen(command.By.AgentId);
        var (id, ts) = await o.Hive.Find(hive =>
        {
            var post = PostOf(hive, o, command.Id);
            if (post.Author.Key != o.KeyOf(command.By.AgentId)) throw Forbidden("You can only edit your own posts");
            if (hive.Role(post.Author) == HiveRole.Banned) throw Forbidden("Banned from this hive");
            return (post.Id, post.UpdatedTs + 1);
        });
        if (command is not { Title: null, Content: null, Url: null })
            await Write(o, null, Change(HiveEventTypes.PostUpdated, ts, json =>
            {
                json.WriteString("post_id", id);
                if (command.Title is not null) json.WriteString("title", command.Title);
                if (command.Content is not null) json.WriteString("content", command.Content);
                if (command.Url is not null) json.WriteString("url", command.Url);
                WriteAgent(json, "updated_by", o, command.By);
            }));
        return await OnePost(o, command.By.AgentId, id);
    }

    /// <inheritdoc/>
    public async Task<HiveCommentView> EditComment(EditComment command)
    {
        var o = await Seen(command.By.AgentId);
        var (id, ts) = await o.Hive.Find(hive =>
        {
            var comment = CommentOf(hive, o, command.Id);
            if (comment.Deleted is not null || comment.Post.Deleted is not null) throw NoComment();
            if (comment.Author.Key != o.KeyOf(command.By.AgentId)) throw Forbidden("You can only edit your own comments");
            if (hive.Role(comment.Author) == HiveRole.Banned) throw Forbidden("Banned from this hive");
            return (comment.Id, comment.UpdatedTs + 1);
        });
        await Write(o, null, Change(HiveEventTypes.CommentUpdated, ts, json =>
        {
            json.WriteString("comment_id", id);
            json.WriteString("content", command.Content);
            WriteAgent(json, "updated_by", o, command.By);
        }));
        return await Comment(command.By.AgentId, command.Id) ?? throw NoComment();
    }

    /// <inheritdoc/>
    public async Task DeleteContent(HiveContentCommand command)
    {
        var o = await Seen(command.By.AgentId);
        var (id, ts) = await o.Hive.Find(hive =>
        {
            var content = ContentOf(hive, o, command.IsPost, command.Id);
            if (content.Author.Key != o.KeyOf(command.By.AgentId) && Role(hive, o, command.By.AgentId) < HiveRole.Moderator)
                throw Forbidden(command.IsPost ? "You cannot delete this post" : "You cannot delete this comment");
            return (content.Id, content.UpdatedTs + 1);
        });
        await Write(o, null, Change(command.IsPost ? HiveEventTypes.PostDeleted : HiveEventTypes.CommentDeleted, ts, json =>
        {
            json.WriteString(command.IsPost ? "post_id" : "comment_id", id);
            WriteAgent(json, "deleted_by", o, command.By);
        }));
    }

    /// <inheritdoc/>
    public async Task<bool> TogglePin(HiveContentCommand command)
    {
        var o = await Seen(command.By.AgentId);
        var (id, ts, pins) = await o.Hive.Find(hive =>
        {
            MustBe(hive, o, command.By.AgentId, HiveRole.Moderator);
            var post = PostOf(hive, o, command.Id);
            return (post.Id, (post.Pin?.LastTs ?? post.Made.Ts) + 1, post.Pin?.Preferring(hive.OwnerInstance) != "1");
        });
        await Write(o, command.Key, Change(HiveEventTypes.PostPinned, ts, json =>
        {
            json.WriteString("post_id", id);
            json.WriteBoolean("pinned", pins);
            WriteAgent(json, "by", o, command.By);
        }));
        return (await OnePost(o, command.By.AgentId, id)).IsPinned;
    }

    /// <inheritdoc/>
    public async Task<HiveVoted> Vote(CastVote command)
    {
        var o = await Seen(command.By.AgentId);
        var (id, value, voter, other, ts) = await o.Hive.Find(hive =>
        {
            if (Role(hive, o, command.By.AgentId) == HiveRole.Banned) throw Forbidden("Banned from this hive");
            var content = ContentOf(hive, o, command.IsPost, command.Id);
            // Votes that were cast while the hive was set otherwise are under the other name.
            var (plain, hidden) = Voters(o, content, command.By.AgentId);
            var (name, before) = hive.Setting(HiveSettingKeys.Votes) == "\"aggregate\"" ? (hidden, plain) : (plain, hidden);
            var now = content.VoteOf(o.KeyOf(name)) ?? content.VoteOf(o.KeyOf(before));
            return (content.Id, now == command.Value ? 0 : command.Value, name,
                content.VoteOf(o.KeyOf(before)) is null ? null : before,
                Math.Max(content.Made.Ts, Math.Max(content.VoteTs(o.KeyOf(name)), content.VoteTs(o.KeyOf(before)))) + 1);
        });
        HiveChange[] changes = [Cast(voter, value), .. other is null ? [] : (HiveChange[])[Cast(other, 0)]];
        await Write(o, command.Key, changes);
        return await o.Hive.Find(hive =>
        {
            var content = ContentOf(hive, o, command.IsPost, command.Id);
            return new HiveVoted(content.Score, VoteOf(o, content, command.By.AgentId));
        });

        HiveChange Cast(string by, int cast) => Change(HiveEventTypes.VoteCast, ts, json =>
        {
            json.WriteString("target_type", command.IsPost ? "post" : "comment");
            json.WriteString("target_id", id);
            json.WriteStartObject("voter");
            json.WriteString("instance_id", o.Instance);
            json.WriteString("agent_id", by);
            json.WriteEndObject();
            json.WriteNumber("value", cast);
        });
    }

    /// <inheritdoc/>
    public async Task Resolve(ResolveCopy command)
    {
        var o = await Seen(command.By.AgentId);
        var id = await o.Hive.Find(hive =>
        {
            MustBe(hive, o, command.By.AgentId, HiveRole.Moderator);
            return ContentOf(hive, o, command.IsPost, command.Id) is var content && HiveIds.BelongsTo(content.Id, o.Instance) ? content.Id
                : throw new RefusedException(RefusalKind.Mismatch, "It was not made at this instance");
        });
        await Write(o, null, Change(HiveEventTypes.CopyResolved, 0, json =>
        {
            json.WriteString("instance_id", command.Copy.InstanceId);
            json.WriteString("copy_id", command.Copy.CopyId);
            json.WriteString("id", id);
            WriteAgent(json, "by", o, command.By);
        }));
    }

    private async ValueTask<Opened?> Open()
    {
        if (_opened is { } known) return known;
        if (await GrainFactory.GetGrain<IHivesGrain>(IHivesGrain.Key).Find(Name) is not { } entry) return null;
        var instance = await GrainFactory.GetGrain<IMeshInstanceGrain>(IMeshInstanceGrain.Key).Get();
        await _opening.WaitAsync();
        try
        {
            return _opened ??= new(entry, instance.InstanceId, new(log, entry.GroupId, committed, time, logger),
                new(log, entry.GroupId));
        }
        finally
        {
            _opening.Release();
        }
    }

    /// <summary>The hive, when the viewer may know of it.</summary>
    /// <exception cref="RefusedException">NotFound.</exception>
    private async ValueTask<Opened> Seen(string? agentId) =>
        await Open() is { } o && await o.Hive.Find(hive => Sees(hive, o, agentId)) ? o : throw NoHive();

    private async ValueTask<HiveView> Existing(Opened o, string agentId) => await o.Hive.Find(hive => View(hive, o, agentId));

    private Task<HiveChangesWritten> Write(Opened o, string? key, params ReadOnlySpan<HiveChange> changes) =>
        GrainFactory.GetGrain<IHiveSyncGroupGrain>(o.Entry.GroupId).Write(new([.. changes], key));

    private static IEnumerable<HiveChange> SettingChanges(Opened o, HiveAgentView by, string? description, HiveSettings settings,
        long ts = 0)
    {
        if (description is not null) yield return Setting(o, by, HiveSettingKeys.Description, Json(description), ts);
        if (settings.IsPublic is { } isPublic) yield return Setting(o, by, HiveSettingKeys.IsPublic, Json(isPublic), ts);
        if (settings.RequireVerification is { } verification)
            yield return Setting(o, by, HiveSettingKeys.RequireVerification, Json(verification), ts);
        if (settings.AllowAnonymousRead is { } anonymous)
            yield return Setting(o, by, HiveSettingKeys.AllowAnonymousRead, Json(anonymous), ts);
        if (settings.PostPermissions is { } permissions)
            yield return Setting(o, by, HiveSettingKeys.PostPermissions, Json(permissions), ts);
        if (settings.Votes is { } votes) yield return Setting(o, by, HiveSettingKeys.Votes, Json(votes), ts);
    }

    private static string Json(bool value) => value ? "true" : "false";

    private static string Json(string text) => $"\"{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text)}\"";

    private static HiveChange Setting(Opened o, HiveAgentView by, string key, string value, long ts) =>
        Change(HiveEventTypes.SettingChanged, ts, json =>
        {
            json.WriteString("key", key);
            json.WritePropertyName("value");
            json.WriteRawValue(value);
            WriteAgent(json, "changed_by", o, by);
        });

    private static HiveChange StandingChange(Opened o, string type, HiveAgentView by, HiveAgentView agent, string action, long ts) =>
        Change(type, ts, json =>
        {
            WriteAgent(json, "agent", o, agent);
            json.WriteString("action", action);
            WriteAgent(json, "by", o, by);
        });

    private static HiveChange OwnerChange(Opened o, HiveAgentView by, HiveAgentView owner, int term, bool succession, long ts) =>
        Change(HiveEventTypes.OwnerChanged, ts, json =>
        {
            WriteAgent(json, "owner", o, owner);
            json.WriteNumber("term", term);
            if (succession) json.WriteBoolean("succession", true);
            WriteAgent(json, "by", o, by);
        });

    private static HiveChange Change(string type, long notBefore, Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, WriterOptions))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return new(type, Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length), notBefore);
    }

    private static void WriteAgent(Utf8JsonWriter json, string field, Opened o, HiveAgentView agent)
    {
        json.WriteStartObject(field);
        json.WriteString("instance_id", agent.Instance ?? o.Instance);
        json.WriteString("agent_id", agent.AgentId);
        json.WriteString("name", agent.Name);
        json.WriteString("avatar_url", agent.AvatarUrl);
        json.WriteEndObject();
    }

    /// <summary>The names under which an agent votes: its own, and one from which nobody else can tell who it is or what else it votes
    /// for.</summary>
    private static (string Plain, string Hidden) Voters(Opened o, HiveContent content, string agentId)
    {
        var hash = HMACSHA256.HashData(Convert.FromBase64String(o.Entry.VoteSalt),
            Encoding.UTF8.GetBytes($"{(content.IsPost ? "post" : "comment")}\n{content.Id}\n{agentId}"));
        return (agentId, $"voter_{Convert.ToHexStringLower(hash.AsSpan(0, 16))}");
    }

    private static int? VoteOf(Opened o, HiveContent content, string? agentId)
    {
        if (agentId is null) return null;
        var (plain, hidden) = Voters(o, content, agentId);
        return content.VoteOf(o.KeyOf(plain)) ?? content.VoteOf(o.KeyOf(hidden));
    }

    private static HiveRole Role(HiveState hive, Opened o, string? agentId) =>
        agentId is null ? HiveRole.None : hive.Role(hive.Agent(o.KeyOf(agentId)));

    private static HiveRole MustBe(HiveState hive, Opened o, string agentId, HiveRole least) => Role(hive, o, agentId) is var role
        && role >= least ? role : throw Forbidden(least == HiveRole.Owner ? "Only the owner can do this"
            : "Only owner and moderators can do this");

    private static bool IsPublic(HiveState hive) => hive.Setting(HiveSettingKeys.IsPublic) != "false";

    private static bool IsDeleted(HiveState hive) => hive.Setting(HiveSettingKeys.Deleted) == "true";

    private static bool Sees(HiveState hive, Opened o, string? agentId) =>
        !IsDeleted(hive) && hive.Seq > 0 && (IsPublic(hive) || Role(hive, o, agentId) >= HiveRole.Member);

    private static bool IsSame(HiveAgentView one, HiveAgentView other) => one.AgentId == other.AgentId && one.Instance == other.Instance;

    private static HiveAgentEntry? AgentOf(HiveState hive, Opened o, HiveAgentView agent) =>
        hive.Agent($"{agent.Instance ?? o.Instance}/{agent.AgentId}");

    private static HiveContent ContentOf(HiveState hive, Opened o, bool isPost, string shown)
    {
        if (isPost) return PostOf(hive, o, shown);
        return CommentOf(hive, o, shown) is { Deleted: null, Post.Deleted: null } comment ? comment : throw NoComment();
    }

    private static HivePost PostOf(HiveState hive, Opened o, string shown) =>
        IdOf(o, shown, true) is { } id && hive.Post(id) is { Deleted: null } post ? post
            : throw new RefusedException(RefusalKind.NotFound, "Post not found");

    private static HiveComment CommentOf(HiveState hive, Opened o, string shown) =>
        IdOf(o, shown, false) is { } id && hive.Comment(id) is { } comment ? comment : throw NoComment();

    private static string? IdOf(Opened o, string shown, bool isPost) =>
        HiveIds.Read(shown, isPost) is var (tag, id) && tag == o.Tag ? id : null;

    private static RefusedException NoHive() => new(RefusalKind.NotFound, "Hive not found");

    private static RefusedException NoComment() => new(RefusalKind.NotFound, "Comment not found");

    private static RefusedException Forbidden(string why) => new(RefusalKind.Forbidden, why);
}
