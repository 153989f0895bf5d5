using System.Globalization;

namespace Beadhub.Hives;

/// <summary>
/// A hive, folded from the events of its log: posts, comments, votes, members, settings and owners, by places in the log and without
/// texts. The same events lead to the same hive in whatever order they come, and however often (<see cref="Hash"/>). Pure: it knows no
/// clock but the times at which events were received, and those it is told (<see cref="Pass"/>). Not safe for concurrent callers.
/// </summary>
/// <remarks>
/// An event that rests on another waits for it: a comment for its post and the comment it answers, a vote, an edit or a deletion for its
/// target, all that names an OpenHive's copy for what that is. Of each origin so many wait in memory; more than that, and what has waited
/// for a day, is set aside: only its place is kept, it is reported, and it is read again from the log (<see cref="TakeRecalled"/>) when
/// what it waits for comes after all. Conflicts: content is a union, a deletion leaves a tombstone and wins, the last vote of each voter
/// counts, and settings, moderation and bans are as the owner's instance has said, or as was said last.
/// </remarks>
internal sealed partial class HiveState
{
    /// <summary>Events of one origin that wait in memory.</summary>
    public const int MostWaiting = 10_000;

    /// <summary>Reports that are kept.</summary>
    public const int MostReports = 1_000;

    /// <summary>How far ahead of the receiver's clock an event's time may be.</summary>
    public static readonly TimeSpan Ahead = TimeSpan.FromMinutes(5);

    /// <summary>How long an event waits before it is set aside.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromHours(24);

    private readonly Dictionary<string, HivePost> _posts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HiveComment> _comments = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HiveAgentEntry> _agents = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HiveRegister> _settings = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _copies = new(StringComparer.Ordinal); // what they are

    private readonly Dictionary<string, Dictionary<Stamp, Waiting>> _waiting = new(StringComparer.Ordinal); // by what they wait for
    private readonly Dictionary<string, int> _waitingOf = new(StringComparer.Ordinal); // how many, by origin
    private readonly LinkedList<Waiting> _oldest = new();
    private readonly Dictionary<string, HashSet<long>> _aside = new(StringComparer.Ordinal); // places, by what they wait for
    private readonly PriorityQueue<HiveStep, long> _early = new();
    private readonly Dictionary<string, int> _earlyOf = new(StringComparer.Ordinal);
    private readonly Stack<HiveStep> _due = new();
    private List<long> _recalled = [];
    private readonly HashSet<long> _underWay = []; // recalled, and not read from the log yet
    private readonly Queue<HiveReport> _reports = new();
    private UInt128 _hash;

    private sealed class Waiting(HiveStep step, string on, DateTimeOffset since)
    {
        public HiveStep Step => step;

        public string On => on;

        public DateTimeOffset Since => since;

        public LinkedListNode<Waiting>? Node { get; set; }
    }

    /// <summary>Place of the last event that was taken in.</summary>
    public long Seq { get; private set; }

    /// <summary>The time that has passed, as far as it is known.</summary>
    public DateTimeOffset Now { get; private set; } = DateTimeOffset.MinValue;

    /// <summary>Raised whenever something changes that says who may do what, or how the hive is set.</summary>
    public long Governance { get; private set; }

    /// <summary>Who owns the hive.</summary>
    public HiveOwners Owners { get; } = new();

    /// <summary>Posts that are there, newest first.</summary>
    public HiveOrder<HivePost> Newest { get; } = new(static (a, b) =>
        a.Made.Ts != b.Made.Ts ? b.Made.Ts.CompareTo(a.Made.Ts) : string.CompareOrdinal(a.Id, b.Id));

    /// <summary>Posts that are there, by score.</summary>
    public HiveOrder<HivePost> Top { get; } = new(static (a, b) =>
        a.Score != b.Score ? b.Score.CompareTo(a.Score)
        : a.Made.Ts != b.Made.Ts ? b.Made.Ts.CompareTo(a.Made.Ts) : string.CompareOrdinal(a.Id, b.Id));

    /// <summary>Posts that are there, by score and age.</summary>
    public HiveOrder<HivePost> Hot { get; } = new(static (a, b) =>
        a.Heat != b.Heat ? b.Heat.CompareTo(a.Heat) : string.CompareOrdinal(a.Id, b.Id));

    /// <summary>All posts in the order in which they came into view, deleted ones included: a place in it is a cursor that skips
    /// nothing.</summary>
    public List<HivePost> Arrived { get; } = [];

    /// <summary>Number of comments that are there.</summary>
    public int CommentCount { get; private set; }

    /// <summary>Number of events that could not be read.</summary>
    public long Parked { get; private set; }

    /// <summary>Number of events that were set aside and not found their use since.</summary>
    public int Aside { get; private set; }

    /// <summary>Number of events that wait for others.</summary>
    public int WaitingCount => _waitingOf.Values.Sum();

    /// <summary>Number of events that wait for their time.</summary>
    public int EarlyCount => _early.Count;

    /// <summary>Number of events of types that change no hive, or are not known.</summary>
    public long Unapplied { get; private set; }

    /// <summary>What administrators are told, the newest last.</summary>
    public IReadOnlyCollection<HiveReport> Reports => _reports;

    /// <summary>Says whether two instances have the same hive: the same for the same events, in whatever order they came.</summary>
    public string Hash => _hash.ToString("x32", CultureInfo.InvariantCulture);

    /// <summary>When something that waits for its time is due next; null when nothing does.</summary>
    public DateTimeOffset? NextDue =>
        _early.TryPeek(out _, out var ts) ? DateTimeOffset.FromUnixTimeMilliseconds(Math.Min(ts, MaxTs)) : null;

    private const long MaxTs = 253_402_300_799_999;

    /// <summary>Takes the next event of the log in.</summary>
    public void Apply(in HiveEvent e)
    {
        Seq = Math.Max(Seq, e.Seq);
        Pass(e.ReceivedAt);
        Take(e);
    }

    /// <summary>Takes an event in again that was set aside.</summary>
    public void Reapply(in HiveEvent e)
    {
        _underWay.Remove(e.Seq);
        Take(e);
    }

    /// <summary>Time passes: what was early is due, and what has waited for long is set aside.</summary>
    public void Pass(DateTimeOffset now)
    {
        if (now <= Now) return;
        Now = now;
        var ms = now.ToUnixTimeMilliseconds();
        while (_early.TryPeek(out _, out var ts) && ts <= ms)
        {
            var step = _early.Dequeue();
            Count(_earlyOf, step.Stamp.Origin, -1);
            Recall($"early/{step.Stamp.Origin}");
            Do(step);
        }

        while (_oldest.First is { } oldest && now - oldest.Value.Since > Patience)
        {
            var one = oldest.Value;
            _waiting[one.On].Remove(one.Step.Stamp);
            if (_waiting[one.On].Count == 0) _waiting.Remove(one.On);
            End(one);
            SetAside(one.Step, one.On, "it has waited for a day");
        }
    }

    /// <summary>Places of events that were set aside and have their use now: they are to be read and taken in again.</summary>
    public IReadOnlyList<long> TakeRecalled()
    {
        if (_recalled.Count == 0) return [];
        var recalled = _recalled;
        _recalled = [];
        _underWay.UnionWith(recalled);
        return recalled;
    }

    /// <summary>A post that was made, deleted or not; null when there is none.</summary>
    public HivePost? Post(string id) => _posts.GetValueOrDefault(id);

    /// <summary>A comment that was made, deleted or not; null when there is none.</summary>
    public HiveComment? Comment(string id) => _comments.GetValueOrDefault(id);

    /// <summary>An agent that the hive has heard of.</summary>
    public HiveAgentEntry? Agent(string key) => _agents.GetValueOrDefault(key);

    /// <summary>The owner's instance; null while nobody has said who owns the hive.</summary>
    public string? OwnerInstance => Owners.Current?.Owner.Instance;

    /// <summary>A setting's value as JSON; null when it was never set. Only its owner's instance ends a hive.</summary>
    public string? Setting(string key)
    {
        if (!_settings.TryGetValue(key, out var register)) return null;
        return key == HiveSettingKeys.Deleted ? OwnerInstance is { } owner ? register.LastOf(owner, null) : null
            : register.Preferring(OwnerInstance);
    }

    /// <summary>When a setting was changed last, in milliseconds since 1970.</summary>
    public long SettingTs(string key) => _settings.GetValueOrDefault(key)?.LastTs ?? 0;

    /// <summary>When any setting was changed last.</summary>
    public long SettingsTs => _settings.Count == 0 ? 0 : _settings.Values.Max(setting => setting.LastTs);

    /// <summary>How an agent stands in the hive.</summary>
    public HiveRole Role(HiveAgentEntry? agent)
    {
        if (agent is null) return HiveRole.None;
        if (Owners.Current is { } owner && owner.Owner.Key == agent.Key) return HiveRole.Owner;
        if (agent.Ban.Preferring(OwnerInstance) == "1") return HiveRole.Banned;
        if (agent.Moderator.Preferring(OwnerInstance) == "1") return HiveRole.Moderator;
        // An agent comes and goes as its own instance says, or as the owner's does.
        return agent.Membership.LastOf(agent.Instance, OwnerInstance) == "1" ? HiveRole.Member : HiveRole.None;
    }

    /// <summary>OpenHives' copies of which it is not known what they are, and for which events wait; the first hundred. Of a comment also
    /// the post on which it is, where that is known: as the OpenHive calls it.</summary>
    public IEnumerable<(string Instance, string CopyId, string? PostId)> Unresolved => _waiting.Keys.Concat(_aside.Keys)
        .Where(static on => on.StartsWith(Copy, StringComparison.Ordinal)).Distinct().Take(100)
        .Select(on => (Parts: on[Copy.Length..].Split('/', 2), Post: _waiting.GetValueOrDefault(on)?.Values
            .Select(static one => (one.Step as CommentCreated)?.PostId).FirstOrDefault(static id => id is not null)))
        .Select(static one => (one.Parts[0], one.Parts[1],
            one.Parts[1].StartsWith(HiveIds.RemoteComment, StringComparison.Ordinal) ? one.Post : null));

    private const string Copy = "copy/";

    /// <summary>All agents that the hive has heard of.</summary>
    public IEnumerable<HiveAgentEntry> Agents => _agents.Values;

    /// <summary>
    /// Whether a later event of the same origin has put another value in the place of what this one has said, so that the hive is the same
    /// without it: of votes, edits, pins and settings all but the last. Of what is not carried out yet it is not known.
    /// </summary>
    public bool IsSuperseded(in HiveEvent e)
    {
        HiveStep? step;
        try
        {
            step = HivePayload.Read(e);
        }
        catch (UnfitPayloadException)
        {
            return false;
        }

        var last = step switch
        {
            VoteCast vote => Found(vote, vote.Id, vote.IsPost)?.StampOfVote(vote.Voter),
            ContentEdited edit => Found(edit, edit.Id, edit.IsPost)?.StampOfEdits(edit.Stamp.Origin, edit.Fields),
            PostPinned pin => (Found(pin, pin.Id, true) as HivePost)?.Pin?.StampOf(pin.Stamp.Origin),
            SettingChanged setting => _settings.GetValueOrDefault(setting.Key)?.StampOf(setting.Stamp.Origin),
            _ => null,
        };
        return last is { } later && later.IsAfter(step!.Stamp) && Owners.IsShownBy(later, step.Stamp);

        HiveContent? Found(HiveStep of, string id, bool isPost) => MissingTarget(of, id, isPost) is null ? Content(of, id, isPost) : null;
    }

    private void Take(in HiveEvent given)
    {
        // Of a million events few origins: their names are kept once.
        var e = given with { Origin = Shared(given.Origin) };
        HiveStep? step;
        try
        {
            step = HivePayload.Read(e);
        }
        catch (UnfitPayloadException unfit)
        {
            Parked++;
            Report(e.Seq, e.Type, e.Origin, unfit.Message);
            return;
        }

        if (step is null)
        {
            Unapplied++;
            return;
        }

        if (!e.IsLocal && e.OriginTs > (e.ReceivedAt + Ahead).ToUnixTimeMilliseconds() && e.OriginTs > Now.ToUnixTimeMilliseconds())
        {
            if (e.OriginTs > MaxTs)
            {
                Parked++;
                Report(e.Seq, e.Type, e.Origin, "its time is after the year 9999");
            }
            else if (_earlyOf.GetValueOrDefault(e.Origin) >= MostWaiting)
            {
                SetAside(step, $"early/{e.Origin}", "too many events of its origin wait for their time");
            }
            else
            {
                Count(_earlyOf, e.Origin, 1);
                _early.Enqueue(step, e.OriginTs);
                Report(e.Seq, e.Type, e.Origin, "its time is yet to come");
            }

            return;
        }

        Do(step);
    }

    /// <summary>Carries out a step, and those that have waited for it.</summary>
    private void Do(HiveStep first)
    {
        _due.Push(first);
        while (_due.TryPop(out var step))
        {
            if (Missing(step) is { } missing) Wait(step, missing);
            else CarryOut(step);
        }
    }

    /// <summary>What a step waits for; null when everything is there.</summary>
    private string? Missing(HiveStep step) => step switch
    {
        CommentCreated e => MissingTarget(e, e.PostId, true)
            ?? (e.ParentId is null ? null : MissingTarget(e, e.ParentId, false)),
        ContentEdited e => MissingTarget(e, e.Id, e.IsPost),
        ContentDeleted e => MissingTarget(e, e.Id, e.IsPost),
        VoteCast e => MissingTarget(e, e.Id, e.IsPost),
        PostPinned e => MissingTarget(e, e.Id, true),
        _ => null,
    };

    private string? MissingTarget(HiveStep step, string id, bool isPost)
    {
        if (HiveIds.IsCopy(id))
        {
            var copy = $"{Copy}{step.Stamp.Origin}/{id}";
            if (!_copies.TryGetValue(copy, out var resolved)) return copy;
            id = resolved;
        }

        return (isPost ? _posts.ContainsKey(id) : _comments.ContainsKey(id)) ? null : isPost ? $"post/{id}" : $"comment/{id}";
    }

    private string Target(HiveStep step, string id) =>
        HiveIds.IsCopy(id) ? _copies[$"{Copy}{step.Stamp.Origin}/{id}"] : id;

    private void Wait(HiveStep step, string on) => Wait(step, on, Now);

    private void Wait(HiveStep step, string on, DateTimeOffset since)
    {
        var waiting = _waiting.GetValueOrDefault(on);
        if (waiting is not null && waiting.ContainsKey(step.Stamp)) return;
        if (_waitingOf.GetValueOrDefault(step.Stamp.Origin) >= MostWaiting)
        {
            SetAside(step, on, "too many events of its origin wait");
            return;
        }

        if (waiting is null) _waiting[on] = waiting = [];
        var one = new Waiting(step, on, since);
        waiting[step.Stamp] = one;
        one.Node = _oldest.AddLast(one);
        Count(_waitingOf, step.Stamp.Origin, 1);
    }

    private void End(Waiting one)
    {
        _oldest.Remove(one.Node!);
        Count(_waitingOf, one.Step.Stamp.Origin, -1);
    }

    private void SetAside(HiveStep step, string on, string why)
    {
        if (!_aside.TryGetValue(on, out var places)) _aside[on] = places = [];
        if (!places.Add(step.Seq)) return;
        Aside++;
        Report(step.Seq, step.GetType().Name, step.Stamp.Origin, $"set aside: {why} for {on}");
    }

    /// <summary>Something is there now for which others may have waited.</summary>
    private void Came(string what)
    {
        if (_waiting.Remove(what, out var waiting))
        {
            foreach (var one in waiting.Values)
            {
                End(one);
                _due.Push(one.Step);
            }
        }

        Recall(what);
    }

    private void Recall(string what)
    {
        if (!_aside.Remove(what, out var places)) return;
        Aside -= places.Count;
        _recalled.AddRange(places);
    }

    private void CarryOut(HiveStep step)
    {
        Owners.Saw(step.Stamp);
        switch (step)
        {
            case PostCreated e:
                Make(e);
                break;
            case CommentCreated e:
                Make(e);
                break;
            case ContentEdited e:
                Add(Changed(Content(e, e.Id, e.IsPost)).Edit(e));
                break;
            case ContentDeleted e:
                Entry(e.Stamp, e.By);
                Delete(e);
                break;
            case VoteCast e:
                Vote(e);
                break;
            case PostPinned e:
                var pinned = _posts[Target(e, e.Id)];
                Changed(pinned);
                Add((pinned.Pin ??= new()).Write("pin", pinned.Id, e.Stamp, e.IsPinned ? "1" : "0"));
                break;
            case SettingChanged e:
                Governance++;
                if (!_settings.TryGetValue(e.Key, out var setting)) _settings[e.Key] = setting = new();
                Add(setting.Write("setting", e.Key, e.Stamp, e.Json));
                break;
            case StandingChanged e:
                Governance++;
                var agent = Entry(e.Stamp, e.Agent);
                var register = e.Place switch
                {
                    Places.Ban => agent.Ban,
                    Places.Moderator => agent.Moderator,
                    _ => agent.Membership,
                };
                Add(register.Write(e.Place, agent.Key, e.Stamp, e.IsSo ? "1" : "0"));
                break;
            case OwnerChanged e:
                Governance++;
                Entry(e.Stamp, e.Owner);
                Add(Owners.Claim(e));
                break;
            case CopyResolved e:
                Resolve(e);
                break;
        }
    }

    private void Make(PostCreated e)
    {
        var author = Entry(e.Stamp, e.Author);
        if (!_posts.TryGetValue(e.Id, out var post))
        {
            _posts[e.Id] = post = new(e.Id) { Number = _contents.Count };
            post.Make(e, author);
            _contents.Add(post);
            Changed(post);
            Arrived.Add(post);
            Show(post);
            Add(Digest.Of("post", e.Id, e.Stamp));
            Came($"post/{e.Id}");
        }
        else if (post.IsMadeBy(e.Stamp))
        {
            Changed(post);
            Hide(post);
            Add(unchecked(Digest.Of("post", e.Id, e.Stamp) - Digest.Of("post", e.Id, post.Made)));
            post.Author.Karma -= post.Score;
            author.Karma += post.Score;
            post.Make(e, author);
            Show(post);
        }
    }

    private void Make(CommentCreated e)
    {
        var author = Entry(e.Stamp, e.Author);
        var post = _posts[Target(e, e.PostId)];
        var parent = e.ParentId is null ? null : _comments[Target(e, e.ParentId)];
        if (!_comments.TryGetValue(e.Id, out var comment))
        {
            _comments[e.Id] = comment = new(e.Id, post, parent) { Number = _contents.Count };
            comment.Make(e, author, post, parent);
            _contents.Add(comment);
            Changed(comment);
            post.Comments.Add(comment);
            post.CommentCount++;
            CommentCount++;
            Add(Digest.Of("comment", e.Id, e.Stamp));
            Came($"comment/{e.Id}");
        }
        else if (comment.IsMadeBy(e.Stamp))
        {
            Changed(comment);
            Add(unchecked(Digest.Of("comment", e.Id, e.Stamp) - Digest.Of("comment", e.Id, comment.Made)));
            comment.Author.Karma -= comment.Score;
            author.Karma += comment.Score;
            comment.Post.Comments.Remove(comment);
            if (comment.Deleted is null) comment.Post.CommentCount--;
            comment.Make(e, author, post, parent);
            post.Comments.Add(comment);
            if (comment.Deleted is null) post.CommentCount++;
        }
    }

    private void Vote(VoteCast e)
    {
        var content = Changed(Content(e, e.Id, e.IsPost));
        var before = content.Score;
        if (content is HivePost post)
        {
            Hide(post);
            Add(post.Vote(e));
            Show(post);
        }
        else
        {
            Add(content.Vote(e));
        }

        content.Author.Karma += content.Score - before;
    }

    private void Delete(ContentDeleted e)
    {
        var content = Changed(Content(e, e.Id, e.IsPost));
        var wasThere = content.Deleted is null;
        if (content is HivePost post && wasThere) Hide(post);
        Add(content.Delete(e));
        if (content is not HiveComment comment || !wasThere) return;
        comment.Post.CommentCount--;
        CommentCount--;
    }

    private void Resolve(CopyResolved e)
    {
        var key = $"{Copy}{e.Instance}/{e.CopyId}";
        // Only whose content it is can say which it is; what was carried out by it is not taken back.
        if (_copies.ContainsKey(key) || !HiveIds.BelongsTo(e.Id, e.Stamp.Origin)) return;
        _copies[key] = e.Id;
        Add(Digest.Of(key, e.Id));
        Came(key);
    }

    private HiveContent Content(HiveStep step, string id, bool isPost) =>
        isPost ? _posts[Target(step, id)] : _comments[Target(step, id)];

    private HiveAgentEntry Entry(in Stamp stamp, HiveAgent agent)
    {
        if (!_agents.TryGetValue(agent.Key, out var entry)) _agents[agent.Key] = entry = new(agent.Instance, agent.AgentId);
        entry.Show(stamp, agent);
        return entry;
    }

    private void Show(HivePost post)
    {
        if (post.Deleted is not null) return;
        Newest.Add(post);
        Top.Add(post);
        Hot.Add(post);
    }

    private void Hide(HivePost post)
    {
        if (post.Deleted is not null) return;
        Newest.Remove(post);
        Top.Remove(post);
        Hot.Remove(post);
    }

    private void Add(UInt128 digest) => _hash = unchecked(_hash + digest);

    private void Report(long seq, string type, string origin, string reason)
    {
        if (_reports.Count == MostReports) _reports.Dequeue();
        _reports.Enqueue(new(seq, type, origin, reason));
    }

    private static void Count(Dictionary<string, int> counts, string origin, int by)
    {
        var count = counts.GetValueOrDefault(origin) + by;
        if (count == 0) counts.Remove(origin);
        else counts[origin] = count;
    }
}

/// <summary>Why an event of the log has not (yet) changed the hive.</summary>
/// <param name="Seq">Its place in the log.</param>
/// <param name="Type">Its type.</param>
/// <param name="Origin">The instance that made it.</param>
/// <param name="Reason">Why, for administrators.</param>
internal sealed record HiveReport(long Seq, string Type, string Origin, string Reason);

/// <summary>How an agent stands in a hive.</summary>
internal enum HiveRole
{
    None,
    Banned,
    Member,
    Moderator,
    Owner,
}
