using System.Collections.Immutable;
using System.Text.Json;
using Beadhub.HiveSync;

namespace Beadhub.Hives;

// What a hive shows. The index is looked at under its lock, which is never held while texts are read.
public sealed partial class HiveGrain
{
    private const int MostTexts = 1_000; // comments that are shown at once
    private const int MostDepth = 30; // deeper answers are shown beside each other: readers of JSON stop at some depth
    private const int MostSearched = 20_000; // events
    private const int MostCandidates = 500;
    private const long MostHoles = 20_000; // of a snapshot; a log takes HiveLog.MaxHolesTogether

    private (long Governance, ImmutableArray<(HiveAgentEntry Agent, HiveRole Role)> Members) _members = (-1, []);

    /// <inheritdoc/>
    public async ValueTask<HiveView?> Find(string? agentId) =>
        await Open() is { } o ? await o.Hive.Find(hive => Sees(hive, o, agentId) ? View(hive, o, agentId) : null) : null;

    /// <inheritdoc/>
    public async ValueTask<HiveMembers> Members(HivePageQuery query)
    {
        var o = await Seen(query.AgentId);
        return await o.Hive.Find(hive =>
        {
            var members = MembersOf(hive);
            return new HiveMembers(
                [.. members.Skip(query.Offset).Take(query.Limit).Select(member => new HiveMember(AgentView(member.Agent, o),
                    NameOf(member.Role)!, At(Math.Min(member.Agent.FirstTs, member.Agent.Membership.LastTs is > 0 and var ts
                        ? ts : long.MaxValue))))],
                members.Length);
        });
    }

    /// <inheritdoc/>
    public async ValueTask<HiveAgentView?> Agent(string name, string? instance)
    {
        if (await Open() is not { } o) return null;
        return await o.Hive.Find(hive => hive.Agents
            .Where(agent => agent.Name == name && (instance is null || agent.Instance == instance))
            .OrderBy(agent => agent.Instance != o.Instance).ThenBy(agent => agent.Key, StringComparer.Ordinal)
            .Select(agent => AgentView(agent, o)).FirstOrDefault());
    }

    /// <inheritdoc/>
    public async ValueTask<HiveHeads> Heads(HivePageQuery query)
    {
        var o = await Seen(query.AgentId);
        return await o.Hive.Find(hive =>
        {
            var order = query.Sort switch
            {
                "new" => hive.Newest,
                "top" => hive.Top,
                _ => hive.Hot,
            };
            return new HiveHeads(
                [.. order.From(query.Offset).Take(query.Limit)
                    .Select(post => new HiveHead(HiveIds.Shown(post.Id, o.Tag, true), post.Made.Ts, post.Score, post.Heat))],
                order.Count);
        });
    }

    /// <inheritdoc/>
    public async ValueTask<HiveArrivals> Arrived(string? agentId, int after, int max)
    {
        var o = await Seen(agentId);
        return await o.Hive.Find(hive =>
        {
            var ids = ImmutableArray.CreateBuilder<string>();
            var at = Math.Clamp(after, 0, hive.Arrived.Count);
            // Deleted ones count too: a run of them ends the page, not the patience of whoever asks.
            for (var looked = 0; at < hive.Arrived.Count && ids.Count < max && looked < 10_000; at++, looked++)
                if (hive.Arrived[at].Deleted is null) ids.Add(HiveIds.Shown(hive.Arrived[at].Id, o.Tag, true));
            return new HiveArrivals(ids.ToImmutable(), at, hive.Arrived.Count);
        });
    }

    /// <inheritdoc/>
    public async ValueTask<HivePosts> Posts(string? agentId, ImmutableArray<string> ids)
    {
        var o = await Seen(agentId);
        var rows = await o.Hive.Find(hive => ids.Select(id => IdOf(o, id, true)).OfType<string>().Select(hive.Post).OfType<HivePost>()
            .Where(post => post.Deleted is null).Select(post => Row(hive, o, post, agentId)).ToList());
        return new(await WithTexts(o, rows));
    }

    /// <inheritdoc/>
    public async ValueTask<HiveComments> Comments(string? agentId, string postId, string sort)
    {
        var o = await Seen(agentId);
        var (rows, total) = await o.Hive.Find(hive =>
        {
            var post = PostOf(hive, o, postId);
            return (Thread(o, post, agentId, sort), post.CommentCount);
        });
        return new(await WithTexts(o, rows), total);
    }

    /// <inheritdoc/>
    public async ValueTask<HiveCommentView?> Comment(string? agentId, string id)
    {
        var o = await Seen(agentId);
        var rows = await o.Hive.Find(hive =>
        {
            if (IdOf(o, id, false) is not { } known || hive.Comment(known) is not { Deleted: null, Post.Deleted: null } comment) return [];
            // Of its thread only the way to it: no longer than a thread is deep.
            var (path, depth) = ("", -1);
            var way = new List<HiveComment>();
            for (var at = comment; at is not null && way.Count <= MostDepth; at = at.Parent) way.Add(at);
            for (var i = Math.Min(way.Count, MostDepth) - 1; i >= 0; i--)
                (path, depth) = (path.Length == 0 ? Shown(o, way[i]) : $"{path}.{Shown(o, way[i])}", depth + 1);
            return new List<CommentRow> { Row(o, comment, agentId, depth, path) };
        });
        return (await WithTexts(o, rows)).FirstOrDefault();
    }

    /// <inheritdoc/>
    public async ValueTask<HiveFound> Search(string? agentId, string words, int most, int events)
    {
        var o = await Seen(agentId);
        var wanted = words.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (wanted.Length == 0) return new([], [], []);
        var head = await o.Hive.Find(static hive => hive.Seq);
        var (posts, comments) = (new List<string>(), new List<string>());
        await foreach (var (_, e) in o.Texts.Backwards(head, Math.Min(events, MostSearched)))
        {
            if (e.Type is not (HiveEventTypes.PostCreated or HiveEventTypes.PostUpdated or HiveEventTypes.CommentCreated
                or HiveEventTypes.CommentUpdated)) continue;
            if (!TryRead(e, out var id, out var text) || !Array.Exists(wanted, word => Has(text, word))) continue;
            var isPost = e.Type[0] == 'p';
            (isPost ? posts : comments).Add(HiveIds.Shown(id, o.Tag, isPost));
            if (posts.Count + comments.Count >= MostCandidates) break;
        }

        // Candidates hold one of the words in some text of theirs: whether they hold all of them now, what is shown says.
        var found = (await Posts(agentId, [.. posts.Distinct()])).Posts
            .Where(post => Array.TrueForAll(wanted, word => Has(post.Title, word) || Has(post.Content, word) || Has(post.Url, word)));
        var answers = new List<HiveCommentView>();
        foreach (var id in comments.Distinct())
        {
            if (answers.Count >= most) break;
            if (await Comment(agentId, id) is { } comment && Array.TrueForAll(wanted, word => Has(comment.Content, word)))
                answers.Add(comment);
        }

        var agents = await o.Hive.Find(hive => hive.Agents.Where(agent => Has(agent.Name, wanted[0])).Take(most)
            .Select(agent => AgentView(agent, o)).ToImmutableArray());
        return new([.. found.Take(most)], [.. answers], agents);

        static bool Has(string? text, string word) => text?.Contains(word, StringComparison.OrdinalIgnoreCase) == true;
    }

    /// <inheritdoc/>
    public async ValueTask<HiveChanges> Changes(string? agentId, long after, int max)
    {
        var o = await Seen(agentId);
        var events = await o.Texts.After(after, max);
        if (events.Count == 0) return new([], after);
        await o.Hive.Reach(events[^1].Seq);
        return await o.Hive.Find(hive => new HiveChanges(
            [.. events.Select(one => Changed(hive, o, one.Seq, one.Event)).OfType<HiveChanged>()], events[^1].Seq));
    }

    /// <inheritdoc/>
    public async ValueTask<HiveStatus> Status()
    {
        if (await Open() is not { } o) throw NoHive();
        return await o.Hive.Find(static hive => new HiveStatus(hive.Seq, hive.Hash, hive.WaitingCount, hive.EarlyCount, hive.Aside,
            hive.Parked, hive.Unapplied, [.. hive.Unresolved.Select(copy => new HiveCopy(copy.Instance, copy.CopyId, copy.PostId))],
            [.. hive.Reports.Select(report => new HiveEventReport(report.Seq, report.Type, report.Origin, report.Reason))]));
    }

    /// <inheritdoc/>
    public async ValueTask<HiveSnapshotPage> Snapshot(long after, int max)
    {
        if (await Open() is not { } o) throw NoHive();
        var events = await o.Texts.After(after, max);
        if (events.Count > 0) await o.Hive.Reach(events[^1].Seq);
        return await o.Hive.Find(hive =>
        {
            // What is left out leaves holes in its origin's numbers, of which a receiver keeps so many.
            var (holes, left) = (0, new Dictionary<string, long>(StringComparer.Ordinal));
            var most = Math.Max(1, MostHoles * events.Count / Math.Max(1, hive.Seq));
            var kept = ImmutableArray.CreateBuilder<MeshEntry>(events.Count);
            foreach (var (seq, e) in events)
            {
                var isHole = e.OriginSeq is { } number && left.GetValueOrDefault(e.Origin) != number - 1;
                if ((!isHole || holes < most)
                    && hive.IsSuperseded(new(seq, e.Type, e.Origin, e.OriginTs, e.OriginSeq, e.Payload, e.IsLocal, e.ReceivedAt)))
                {
                    if (isHole) holes++;
                    if (e.OriginSeq is { } skipped) left[e.Origin] = skipped;
                    continue;
                }

                kept.Add(new(seq, e));
            }

            return new HiveSnapshotPage(kept.ToImmutable(), events is [.., var (last, _)] ? last : after, hive.Seq);
        });
    }

    /// <inheritdoc/>
    public async ValueTask<int> Karma(string agentId) =>
        await Open() is { } o ? await o.Hive.Find(hive => hive.Agent(o.KeyOf(agentId))?.Karma ?? 0) : 0;

    private static HiveChanged? Changed(HiveState hive, Opened o, long seq, MeshEvent e)
    {
        HiveStep? step;
        try
        {
            step = HivePayload.Read(new(seq, e.Type, e.Origin, e.OriginTs, e.OriginSeq, e.Payload, e.IsLocal, e.ReceivedAt));
        }
        catch (UnfitPayloadException)
        {
            return null;
        }

        if (step is null) return null;
        var (post, comment) = step switch
        {
            PostCreated one => (one.Id, null),
            CommentCreated one => (one.PostId, one.Id),
            ContentEdited one => one.IsPost ? (one.Id, null) : (null, one.Id),
            ContentDeleted one => one.IsPost ? (one.Id, null) : (null, one.Id),
            VoteCast one => one.IsPost ? (one.Id, null) : (null, one.Id),
            PostPinned one => (one.Id, null),
            _ => (default(string), default(string)),
        };
        // What waits for its post, or its time, is shown by nobody yet.
        var content = comment is not null ? hive.Comment(comment) : post is not null ? hive.Post(post) : default(HiveContent);
        if (content is null && (post ?? comment) is not null) return null;
        if (content is HiveComment known) post = known.Post.Id;
        var (voted, delta) = content?.LastVote ?? default;
        var payload = e.Payload;
        if (payload.LastIndexOf(",\"_s\":", StringComparison.Ordinal) is > 0 and var end) payload = $"{payload.AsSpan(0, end)}}}";
        return new(seq, e.Type, e.IsLocal ? null : e.Origin, At(e.OriginTs), payload,
            post is null ? null : HiveIds.Shown(post, o.Tag, true), comment is null ? null : HiveIds.Shown(comment, o.Tag, false),
            content?.Score ?? 0, step is VoteCast vote ? voted == seq ? delta : vote.Value : 0);
    }

    private static bool TryRead(MeshEvent e, out string id, out string text)
    {
        (id, text) = ("", "");
        try
        {
            using var json = JsonDocument.Parse(e.Payload);
            var root = json.RootElement;
            id = root.GetProperty(e.Type[0] == 'p' ? "post_id" : "comment_id").GetString() ?? "";
            var texts = HiveTexts.Read(e);
            text = $"{texts.Title}\n{texts.Content}\n{texts.Url}";
            return id.Length > 0;
        }
        catch (Exception unfit) when (unfit is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            // It was parked: nobody is shown it.
            return false;
        }
    }

    private HiveView View(HiveState hive, Opened o, string? agentId) => new(
        o.Entry.Id, o.Entry.Name, o.Entry.GroupId, TextOf(hive.Setting(HiveSettingKeys.Description)) ?? "",
        hive.Owners.Current is { } owner ? AgentView(hive.Agent(owner.Owner.Key)!, o) : null,
        new(IsPublic(hive), hive.Setting(HiveSettingKeys.RequireVerification) == "true",
            hive.Setting(HiveSettingKeys.AllowAnonymousRead) != "false", TextOf(hive.Setting(HiveSettingKeys.PostPermissions)) ?? "all",
            TextOf(hive.Setting(HiveSettingKeys.Votes)) ?? "per_voter"),
        MembersOf(hive).Length, hive.Newest.Count, hive.CommentCount, o.Entry.OpenedAt,
        hive.SettingsTs == 0 ? o.Entry.OpenedAt : At(hive.SettingsTs), NameOf(Role(hive, o, agentId)), hive.Arrived.Count);

    private ImmutableArray<(HiveAgentEntry Agent, HiveRole Role)> MembersOf(HiveState hive)
    {
        if (_members.Governance == hive.Governance) return _members.Members;
        return (_members = (hive.Governance,
        [
            .. hive.Agents.Select(agent => (Agent: agent, Role: hive.Role(agent))).Where(member => member.Role >= HiveRole.Member)
                .OrderBy(member => member.Agent.Name, StringComparer.Ordinal).ThenBy(member => member.Agent.Key, StringComparer.Ordinal),
        ])).Members;
    }

    /// <summary>Comments in depth-first order; deleted ones only where an answer is left.</summary>
    private static List<CommentRow> Thread(Opened o, HivePost post, string? agentId, string sort)
    {
        var answers = post.Comments.ToLookup(comment => comment.Parent is { } parent && parent.Post == post ? parent : null);
        var rows = new List<(HiveComment Comment, int Parent, int Depth, string Path)>();
        var next = new Stack<(HiveComment Comment, int Parent, int Depth, string Above)>();
        Push(null, -1, 0, "");
        while (next.TryPop(out var one))
        {
            var path = one.Above.Length == 0 ? Shown(o, one.Comment) : $"{one.Above}.{Shown(o, one.Comment)}";
            rows.Add((one.Comment, one.Parent, one.Depth, path));
            var isDeep = one.Depth == MostDepth - 1;
            Push(one.Comment, rows.Count - 1, isDeep ? one.Depth : one.Depth + 1, isDeep ? one.Above : path);
        }

        var isKept = new bool[rows.Count];
        for (var i = rows.Count - 1; i >= 0; i--)
        {
            isKept[i] |= rows[i].Comment.Deleted is null;
            if (isKept[i] && rows[i].Parent >= 0) isKept[rows[i].Parent] = true;
        }

        return [.. rows.Where((_, i) => isKept[i]).Take(MostTexts)
            .Select(row => Row(o, row.Comment, agentId, row.Depth, row.Path))];

        void Push(HiveComment? parent, int row, int depth, string above)
        {
            var some = answers[parent];
            var sorted = sort switch
            {
                "new" => some.OrderBy(comment => comment.Made.Ts).ThenByDescending(comment => comment.Id, StringComparer.Ordinal),
                "old" => some.OrderByDescending(comment => comment.Made.Ts).ThenByDescending(comment => comment.Id, StringComparer.Ordinal),
                _ => some.OrderBy(comment => comment.Score).ThenByDescending(comment => comment.Made.Ts)
                    .ThenByDescending(comment => comment.Id, StringComparer.Ordinal),
            };
            // The last that is pushed comes first.
            foreach (var comment in sorted) next.Push((comment, row, depth, above));
        }
    }

    private sealed record PostRow(HivePostView View, long Made, long Title, long Content, long Url);

    private sealed record CommentRow(HiveCommentView View, long Made, long Content, bool IsDeleted);

    private static PostRow Row(HiveState hive, Opened o, HivePost post, string? agentId) => new(
        new(HiveIds.Shown(post.Id, o.Tag, true), o.Entry.Id, o.Entry.Name, AgentView(post.Author, o), "", null, null, post.Score,
            post.CommentCount, post.Pin?.Preferring(hive.OwnerInstance) == "1", "", post.Id, At(post.Made.Ts), At(post.UpdatedTs),
            VoteOf(o, post, agentId)),
        post.Seq, post.SeqOf(EditedFields.Title), post.SeqOf(EditedFields.Content), post.SeqOf(EditedFields.Url));

    private static CommentRow Row(Opened o, HiveComment comment, string? agentId, int depth, string path) => new(
        new(Shown(o, comment), HiveIds.Shown(comment.Post.Id, o.Tag, true),
            comment.Parent is { } parent && parent.Post == comment.Post ? Shown(o, parent) : null,
            comment.Deleted is null ? AgentView(comment.Author, o) : null, "", comment.Score, depth, path, "", comment.Id,
            At(comment.Made.Ts), At(comment.UpdatedTs), comment.Deleted is null ? VoteOf(o, comment, agentId) : null),
        comment.Seq, comment.SeqOf(EditedFields.Content), comment.Deleted is not null);

    private static async ValueTask<ImmutableArray<HivePostView>> WithTexts(Opened o, List<PostRow> rows)
    {
        var texts = await o.Texts.Of(rows.SelectMany(row => (long[])[row.Made, row.Title, row.Content, row.Url]));
        return [.. rows.Select(row => row.View with
        {
            EventId = texts[row.Made].EventId,
            Title = texts[row.Title].Title ?? "",
            Content = texts[row.Content].Content,
            Url = texts[row.Url].Url,
        })];
    }

    private static async ValueTask<ImmutableArray<HiveCommentView>> WithTexts(Opened o, List<CommentRow> rows)
    {
        var texts = await o.Texts.Of(rows.SelectMany(row => (long[])[row.Made, row.Content]));
        return [.. rows.Select(row => row.View with
        {
            EventId = texts[row.Made].EventId,
            Content = row.IsDeleted ? "[deleted]" : texts[row.Content].Content ?? "",
        })];
    }

    private async ValueTask<HivePostView> OnePost(Opened o, string agentId, string id) =>
        (await Posts(agentId, [HiveIds.Shown(id, o.Tag, true)])).Posts is [var post] ? post
            : throw new RefusedException(RefusalKind.NotFound, "Post not found");

    private static string Shown(Opened o, HiveComment comment) => HiveIds.Shown(comment.Id, o.Tag, false);

    private static HiveAgentView AgentView(HiveAgentEntry agent, Opened o) => new(
        agent.AgentId, agent.Name, agent.AvatarUrl, agent.Instance == o.Instance ? null : agent.Instance, At(agent.FirstTs));

    private static string? TextOf(string? json) => json is null or "null" ? null : JsonDocument.Parse(json).RootElement.GetString();

    private static string? NameOf(HiveRole role) => role switch
    {
        HiveRole.Owner => "owner",
        HiveRole.Moderator => "moderator",
        HiveRole.Member => "member",
        _ => null,
    };

    private static DateTimeOffset At(long ts) => DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(ts, 0, 253_402_300_799_999));
}
