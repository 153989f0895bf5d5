namespace Beadhub.Hives;

/// <summary>A post or comment, without its texts: where they are in the log.</summary>
/// <param name="id">Its id in events.</param>
internal abstract class HiveContent(string id)
{
    // Of each instance that has edited it; only its own instance's edits are shown. Nearly always none or one.
    private List<Edits>? _edits;
    private Dictionary<string, (Stamp Stamp, int Value)>? _votes;

    private sealed class Edits(string origin)
    {
        public readonly string Origin = origin;
        public readonly (Stamp Stamp, long Seq)?[] Fields = new (Stamp, long)?[3];
    }

    public string Id => id;

    /// <summary>The event that made it.</summary>
    public Stamp Made { get; protected set; }

    /// <summary>Place of that event in the log.</summary>
    public long Seq { get; protected set; }

    public HiveAgentEntry Author { get; protected set; } = null!;

    /// <summary>By which event it was deleted; the first of those that did.</summary>
    public Stamp? Deleted { get; private set; }

    /// <summary>Its number among all content of the hive, in the order in which it came to be here: says which part of a snapshot has
    /// it.</summary>
    public int Number { get; init; }

    public int Score { get; private set; }

    /// <summary>The vote that has changed the score last: its place in the log, and by how much.</summary>
    public (long Seq, int Delta) LastVote { get; private set; }

    public abstract bool IsPost { get; }

    protected string Place => IsPost ? "post" : "comment";

    /// <summary>Whether this event makes it and not the one before: an id that names its instance is that instance's alone; otherwise the
    /// first counts.</summary>
    public bool IsMadeBy(in Stamp stamp)
    {
        var (now, before) = (HiveIds.BelongsTo(id, stamp.Origin), HiveIds.BelongsTo(id, Made.Origin));
        return now != before ? now : Made.IsAfter(stamp);
    }

    /// <summary>Takes an edit in; what it adds to the fold's hash.</summary>
    public UInt128 Edit(ContentEdited edit)
    {
        var edits = (_edits ??= []).Find(of => of.Origin == edit.Stamp.Origin);
        if (edits is null) _edits.Add(edits = new(edit.Stamp.Origin));
        UInt128 added = 0;
        for (var field = 0; field < edits.Fields.Length; field++)
        {
            if (((int)edit.Fields & (1 << field)) == 0) continue;
            if (edits.Fields[field] is { } before)
            {
                if (!edit.Stamp.IsAfter(before.Stamp)) continue;
                added = unchecked(added - Digest.Of(Fields[field], id, before.Stamp));
            }

            added = unchecked(added + Digest.Of(Fields[field], id, edit.Stamp));
            edits.Fields[field] = (edit.Stamp, edit.Seq);
        }

        return added;
    }

    private string[] Fields => IsPost ? PostFields : CommentFields;

    private static readonly string[] PostFields = ["post.title", "post.content", "post.url"];
    private static readonly string[] CommentFields = ["", "comment.content", ""];

    /// <summary>Place in the log of the event that has set a field last.</summary>
    public long SeqOf(EditedFields field) => Edited(field) is { } edited ? edited.Seq : Seq;

    /// <summary>When it was changed last, in milliseconds since 1970: never before it was made.</summary>
    public long UpdatedTs => Math.Max(Made.Ts, Math.Max(Edited(EditedFields.Title)?.Stamp.Ts ?? 0,
        Math.Max(Edited(EditedFields.Content)?.Stamp.Ts ?? 0, Edited(EditedFields.Url)?.Stamp.Ts ?? 0)));

    private (Stamp Stamp, long Seq)? Edited(EditedFields field) =>
        _edits?.Find(of => of.Origin == Made.Origin)?.Fields[System.Numerics.BitOperations.Log2((uint)field)];

    /// <summary>Takes a deletion in; what it adds to the fold's hash.</summary>
    public UInt128 Delete(ContentDeleted deletion)
    {
        if (Deleted is { } before && !before.IsAfter(deletion.Stamp)) return 0;
        var added = Deleted is null ? 0 : unchecked((UInt128)0 - Digest.Of("deleted", $"{Place}/{id}", Deleted.Value));
        Deleted = deletion.Stamp;
        return unchecked(added + Digest.Of("deleted", $"{Place}/{id}", deletion.Stamp));
    }

    /// <summary>Takes a vote in; what it adds to the fold's hash. The last of each voter counts.</summary>
    public UInt128 Vote(VoteCast vote)
    {
        UInt128 added = 0;
        if ((_votes ??= new(StringComparer.Ordinal)).TryGetValue(vote.Voter, out var before))
        {
            if (!vote.Stamp.IsAfter(before.Stamp)) return 0;
            added = unchecked(added - Digest.Of($"vote/{Place}/{id}", vote.Voter, before.Stamp));
        }

        _votes[vote.Voter] = (vote.Stamp, vote.Value);
        Score += vote.Value - before.Value;
        LastVote = (vote.Seq, vote.Value - before.Value);
        return unchecked(added + Digest.Of($"vote/{Place}/{id}", vote.Voter, vote.Stamp));
    }

    /// <summary>What a voter has voted; null for nothing.</summary>
    public int? VoteOf(string voter) =>
        _votes is not null && _votes.TryGetValue(voter, out var vote) && vote.Value != 0 ? vote.Value : null;

    /// <summary>The event by which a voter has voted last; null when it has not.</summary>
    public Stamp? StampOfVote(string voter) => _votes is not null && _votes.TryGetValue(voter, out var vote) ? vote.Stamp : null;

    /// <summary>Of the events by which an instance has set these fields last the oldest; null when it has not set all of them.</summary>
    public Stamp? StampOfEdits(string origin, EditedFields fields)
    {
        var edits = _edits?.Find(of => of.Origin == origin);
        Stamp? oldest = null;
        for (var field = 0; edits is not null && field < edits.Fields.Length; field++)
        {
            if (((int)fields & (1 << field)) == 0) continue;
            if (edits.Fields[field] is not { } edited) return null;
            if (oldest is not { } before || before.IsAfter(edited.Stamp)) oldest = edited.Stamp;
        }

        return oldest;
    }

    /// <summary>Time of a voter's last vote.</summary>
    public long VoteTs(string voter) => _votes is not null && _votes.TryGetValue(voter, out var vote) ? vote.Stamp.Ts : 0;

    /// <summary>Writes all but its id.</summary>
    public virtual void Save(SnapshotWriter to)
    {
        to.Stamp(Made);
        to.Number(Seq);
        to.Text(Author.Key);
        to.Stamp(Deleted);
        to.Number(LastVote.Seq);
        to.Number(LastVote.Delta);
        to.Number(_edits?.Count ?? 0);
        foreach (var edits in _edits ?? [])
        {
            to.Text(edits.Origin);
            foreach (var field in edits.Fields)
            {
                to.Stamp(field?.Stamp);
                if (field is { } edited) to.Number(edited.Seq);
            }
        }

        to.Number(_votes?.Count ?? 0);
        foreach (var (voter, vote) in _votes ?? [])
        {
            to.Text(voter);
            to.Stamp(vote.Stamp);
            to.Number(vote.Value);
        }
    }

    /// <summary>Reads what <see cref="Save"/> has written.</summary>
    public virtual void Restore(SnapshotReader from, Dictionary<string, HiveAgentEntry> agents)
    {
        Made = from.Stamp();
        Seq = from.Number();
        Author = agents[from.Text()];
        Deleted = from.StampOrNone();
        LastVote = (from.Number(), (int)from.Number());
        for (var left = from.Number(); left > 0; left--)
        {
            var edits = new Edits(from.Text());
            for (var field = 0; field < edits.Fields.Length; field++)
                edits.Fields[field] = from.StampOrNone() is { } stamp ? (stamp, from.Number()) : null;
            (_edits ??= []).Add(edits);
        }

        for (var left = from.Number(); left > 0; left--)
        {
            var (voter, stamp, value) = (from.Text(), from.Stamp(), (int)from.Number());
            (_votes ??= new(StringComparer.Ordinal))[voter] = (stamp, value);
            Score += value;
        }

        Author.Karma += Score;
    }
}

/// <summary>A post.</summary>
internal sealed class HivePost(string id) : HiveContent(id)
{
    public override bool IsPost => true;

    /// <summary>Comments, in the order in which they came; deleted ones included.</summary>
    public List<HiveComment> Comments { get; } = [];

    /// <summary>Number of comments that are not deleted.</summary>
    public int CommentCount { get; set; }

    public HiveRegister? Pin { get; set; }

    public void Make(PostCreated made, HiveAgentEntry author) => (Made, Seq, Author) = (made.Stamp, made.Seq, author);

    /// <inheritdoc/>
    public override void Save(SnapshotWriter to)
    {
        base.Save(to);
        HiveRegister.Save(Pin, to);
    }

    /// <inheritdoc/>
    public override void Restore(SnapshotReader from, Dictionary<string, HiveAgentEntry> agents)
    {
        base.Restore(from, agents);
        var pin = new HiveRegister();
        if (pin.Restore(from)) Pin = pin;
    }

    /// <summary>Where it stands among others by votes and age: ten times the votes are worth twelve and a half hours. It changes with votes
    /// only, since all posts age alike.</summary>
    public double Heat => (Math.Sign(Score) * Math.Log10(Math.Max(1, Math.Abs(Score)))) + (Made.Ts / 45_000_000.0);
}

/// <summary>A comment.</summary>
internal sealed class HiveComment(string id, HivePost post, HiveComment? parent) : HiveContent(id)
{
    public override bool IsPost => false;

    public HivePost Post { get; private set; } = post;

    /// <summary>What it answers, if anything: perhaps a comment on another post, which is then as good as none.</summary>
    public HiveComment? Parent { get; private set; } = parent;

    public void Make(CommentCreated made, HiveAgentEntry author, HivePost post, HiveComment? parent) =>
        (Made, Seq, Author, Post, Parent) = (made.Stamp, made.Seq, author, post, parent);

    /// <summary>Puts it where it belongs, after all content was read.</summary>
    public void Link(HivePost on, HiveComment? answered)
    {
        (Post, Parent) = (on, answered);
        on.Comments.Add(this);
        if (Deleted is null) on.CommentCount++;
    }
}

/// <summary>An agent that has done something in the hive, as it has shown itself last.</summary>
internal sealed class HiveAgentEntry(string instance, string agentId)
{
    private Stamp? _shown;

    public string Instance => instance;

    public string AgentId => agentId;

    public string Key { get; } = $"{instance}/{agentId}";

    public string Name { get; private set; } = "";

    public string? AvatarUrl { get; private set; }

    /// <summary>When it was seen first in the hive, in milliseconds since 1970.</summary>
    public long FirstTs { get; private set; } = long.MaxValue;

    /// <summary>Sum of the votes for what it wrote.</summary>
    public int Karma { get; set; }

    public HiveRegister Membership { get; } = new();

    public HiveRegister Ban { get; } = new();

    public HiveRegister Moderator { get; } = new();

    /// <summary>Writes all but its instance and id.</summary>
    public void Save(SnapshotWriter to)
    {
        to.Stamp(_shown);
        to.Text(Name);
        to.Text(AvatarUrl ?? "");
        to.Number(AvatarUrl is null ? 0 : 1);
        to.Number(FirstTs);
        foreach (var register in (HiveRegister[])[Membership, Ban, Moderator]) HiveRegister.Save(register, to);
    }

    /// <summary>Reads what <see cref="Save"/> has written.</summary>
    public void Restore(SnapshotReader from)
    {
        (_shown, Name, AvatarUrl) = (from.StampOrNone(), from.Text(), from.Text());
        if (from.Number() == 0) AvatarUrl = null;
        FirstTs = from.Number();
        foreach (var register in (HiveRegister[])[Membership, Ban, Moderator]) register.Restore(from);
    }

    /// <summary>What another event says of it.</summary>
    public void Show(in Stamp stamp, HiveAgent agent)
    {
        FirstTs = Math.Min(FirstTs, stamp.Ts);
        // Its own instance knows best, whatever others have heard.
        var isOwn = stamp.Origin == instance;
        if (_shown is { } before && ((before.Origin == instance) == isOwn ? !stamp.IsAfter(before) : !isOwn)) return;
        (_shown, Name, AvatarUrl) = (stamp, agent.Name, agent.AvatarUrl);
    }
}
