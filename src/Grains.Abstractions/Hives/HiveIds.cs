using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Beadhub.Hives;

/// <summary>
/// Ids of posts and comments. One that a Beadhub makes names its hive, by which it is found again, and its instance, so that no other
/// instance can lay claim to it: 8 characters of the hive's tag, 11 of the instance's, <c>_</c>, and 12 of chance.
/// </summary>
/// <remarks>
/// OpenHive's ids are bare. The public API shows content of theirs, and of hives of another name, under <c>rp_</c> or <c>rc_</c>, the
/// hive's tag and the id that it has in events.
/// </remarks>
public static class HiveIds
{
    private const int HiveTag = 8;
    private const int OriginTag = 11;
    private const int Separator = HiveTag + OriginTag;
    private const int Random = 12;
    private const int Length = Separator + 1 + Random;

    /// <summary>What the API puts before the id of another's post.</summary>
    public const string RemotePost = "rp_";

    /// <summary>What the API puts before the id of another's comment.</summary>
    public const string RemoteComment = "rc_";

    /// <summary>A new id.</summary>
    /// <param name="hiveTag">The hive's tag.</param>
    /// <param name="origin">The instance.</param>
    /// <param name="chance">What makes it unique: some text.</param>
    public static string New(string hiveTag, string origin, string chance) => $"{hiveTag}{Tag(origin, OriginTag)}_{Tag(chance, Random)}";

    /// <summary>A hive's tag, from its name.</summary>
    public static string TagOf(string hive) => Tag(hive, HiveTag) is var tag && IsPrefixed(tag) ? $"R{tag[1..]}" : tag;

    /// <summary>Whether an id can only have been made by this instance.</summary>
    public static bool BelongsTo(string id, string origin) =>
        IsOurs(id) && id.AsSpan(HiveTag, OriginTag).SequenceEqual(Tag(origin, OriginTag));

    /// <summary>Whether the id is one that an OpenHive has given to its copy of another's content: it means nothing elsewhere.</summary>
    public static bool IsCopy(string id) =>
        !IsOurs(id) && (id.StartsWith(RemotePost, StringComparison.Ordinal) || id.StartsWith(RemoteComment, StringComparison.Ordinal));

    /// <summary>The id under which the public API shows something.</summary>
    public static string Shown(string id, string hiveTag, bool isPost) =>
        IsOurs(id) && id.StartsWith(hiveTag, StringComparison.Ordinal) ? id : $"{(isPost ? RemotePost : RemoteComment)}{hiveTag}{id}";

    /// <summary>The hive's tag and the id in events of an id that the public API shows; null when it shows no such ids.</summary>
    public static (string HiveTag, string Id)? Read(string shown, bool isPost)
    {
        // The prefix first: with it, and the hive's tag, an OpenHive's id is as long as one of ours, and may have its hyphen low as well.
        // No tag of a hive begins with a prefix.
        var prefix = isPost ? RemotePost : RemoteComment;
        if (shown.StartsWith(prefix, StringComparison.Ordinal) && shown.Length > prefix.Length + HiveTag)
            return (shown.Substring(prefix.Length, HiveTag), shown[(prefix.Length + HiveTag)..]);
        return IsOurs(shown) ? (shown[..HiveTag], shown) : null;
    }

    private static bool IsPrefixed(string text) =>
        text.StartsWith(RemotePost, StringComparison.Ordinal) || text.StartsWith(RemoteComment, StringComparison.Ordinal);

    private static bool IsOurs(string id) => id.Length == Length && id[Separator] == '_';

    private static string Tag(string text, int length) => Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..length];
}
