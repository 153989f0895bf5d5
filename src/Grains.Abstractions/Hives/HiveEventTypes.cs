namespace Beadhub.Hives;

/// <summary>Types of a hive's events as they go over the wire. The last three are Beadhub's own, which an OpenHive keeps unread.</summary>
public static class HiveEventTypes
{
    /// <summary>A post.</summary>
    public const string PostCreated = "post_created";

    /// <summary>Some of a post's texts have changed.</summary>
    public const string PostUpdated = "post_updated";

    /// <summary>A post is gone.</summary>
    public const string PostDeleted = "post_deleted";

    /// <summary>A comment.</summary>
    public const string CommentCreated = "comment_created";

    /// <summary>A comment's text has changed.</summary>
    public const string CommentUpdated = "comment_updated";

    /// <summary>A comment is gone.</summary>
    public const string CommentDeleted = "comment_deleted";

    /// <summary>A vote for a post or comment; 0 takes it back.</summary>
    public const string VoteCast = "vote_cast";

    /// <summary>A setting of the hive.</summary>
    public const string SettingChanged = "hive_setting_changed";

    /// <summary>Somebody joined, left, was banned or is so no longer.</summary>
    public const string MembershipChanged = "membership_changed";

    /// <summary>Somebody became a moderator or is one no longer.</summary>
    public const string ModeratorChanged = "moderator_changed";

    /// <summary>A post is pinned, or no longer.</summary>
    public const string PostPinned = "post_pinned";

    /// <summary>Who owns the hive.</summary>
    public const string OwnerChanged = "ownership_changed";

    /// <summary>What an OpenHive calls its copy of something.</summary>
    public const string CopyResolved = "copy_resolved";
}

/// <summary>Settings that a hive knows.</summary>
public static class HiveSettingKeys
{
    /// <summary>What it is for.</summary>
    public const string Description = "description";

    /// <summary>Whether anybody may read.</summary>
    public const string IsPublic = "is_public";

    /// <summary>Kept for OpenHive.</summary>
    public const string RequireVerification = "require_verification";

    /// <summary>Kept for OpenHive.</summary>
    public const string AllowAnonymousRead = "allow_anonymous_read";

    /// <summary>Who may post: <c>all</c>, <c>members</c> or <c>mods</c>.</summary>
    public const string PostPermissions = "post_permissions";

    /// <summary><c>per_voter</c>, or <c>aggregate</c>: votes leave an instance under names that say nothing of the voter.</summary>
    public const string Votes = "votes";

    /// <summary>Whether the owner has ended the hive.</summary>
    public const string Deleted = "deleted";
}
