using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text.Json;
using Beadhub.History;

namespace Beadhub.Remotes;

/// <summary>
/// Objects under names, that know nothing of what they are: a folder, a bucket. What is once under a name stays as it is; only refs change.
/// </summary>
public interface IObjectStore : IDisposable
{
    /// <summary>Whether there is an object of a name.</summary>
    Task<bool> Has(string name, CancellationToken cancellation);

    /// <summary>An object; null when there is none.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="most">Bytes that it may have.</param>
    /// <param name="cancellation">Gives up.</param>
    Task<byte[]?> Get(string name, int most, CancellationToken cancellation);

    /// <summary>Stores an object, whole or not at all.</summary>
    Task Put(string name, ReadOnlyMemory<byte> content, CancellationToken cancellation);

    /// <summary>A ref's text and what tells it from other versions; null when there is none.</summary>
    Task<StoredRef?> ReadRef(string name, CancellationToken cancellation);

    /// <summary>All refs' names.</summary>
    Task<IReadOnlyList<string>> Refs(CancellationToken cancellation);

    /// <summary>Sets a ref when it still is what was read; null expects that there is none. Of two at once, one wins.</summary>
    Task<bool> SwapRef(string name, StoredRef? expected, string text, CancellationToken cancellation);
}

/// <summary>A ref as it was read.</summary>
/// <param name="Text">What it says.</param>
/// <param name="Version">By which the store knows this version.</param>
public sealed record StoredRef(string Text, string Version);

/// <summary>
/// A history in an object store. <c>packs/</c> and <c>pushes/</c> hold packs and what each push added, by the SHA-256 of their bytes;
/// <c>refs/BRANCH</c> names the newest push, or is a hyphen when the branch was removed. A push names the one before it, so that who has
/// the commit of one needs the packs of later ones only, and nothing that is there is ever written again.
/// </summary>
public sealed class StoredHistory(IObjectStore store) : IHistorySite, IDisposable
{
    private const int LongestManifest = 4 * 1024 * 1024;
    private const int LongestRef = 4096;
    private const int MostPushes = 100_000;

    // A removal is a write, so that of a removal and a push at once one is told as well.
    private const string Removed = "-";

    private readonly Dictionary<string, Manifest> _pushes = [];
    private readonly Dictionary<string, string> _rests = []; // newest push of each branch that a sender has counted on

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<string, ObjectHash>> Heads(CancellationToken cancellation)
    {
        var heads = new SortedDictionary<string, ObjectHash>(StringComparer.Ordinal);
        foreach (var name in await store.Refs(cancellation))
            if (await Head(name, cancellation) is { Push: { } push }) heads[name] = push.Commit;
        return heads;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlySet<ObjectHash>> Known(IReadOnlyCollection<ObjectHash> commits, CancellationToken cancellation)
    {
        // Only what pushes ended with: others are in the packs as well, but a sender who does not know sends a little more.
        var (wanted, known) = (commits.ToHashSet(), new HashSet<ObjectHash>());
        foreach (var name in await store.Refs(cancellation))
        {
            if (await Head(name, cancellation) is not { Push: not null } head) continue;
            var (at, isFirst) = (head.Ref.Text.Trim(), true);
            for (var steps = 0; at is not null && steps < MostPushes && known.Count < wanted.Count; steps++)
            {
                var push = await Push(at, cancellation);
                if (wanted.Contains(push.Commit))
                {
                    known.Add(push.Commit);
                    // What is pushed next rests on this.
                    if (isFirst) _rests[name] = at;
                    isFirst = false;
                }

                at = push.Before;
            }
        }

        return known;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<Pack> Send(ObjectHash wanted, IHistorySite to, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var pushes = new List<Manifest>();
        var (seen, next) = (new HashSet<string>(), new Stack<(string Name, bool IsDone)>());
        foreach (var name in await store.Refs(cancellation))
        {
            if (await Head(name, cancellation) is not { Push: { } newest } head || newest.Commit != wanted) continue;
            next.Push((head.Ref.Text.Trim(), false));
            break;
        }

        // Each push after those on which it rests.
        while (next.TryPop(out var one))
        {
            var push = await Push(one.Name, cancellation);
            if (one.IsDone)
            {
                pushes.Add(push);
                continue;
            }

            if (!seen.Add(one.Name)) continue;
            if (seen.Count > MostPushes) throw Damaged("names more pushes than anybody makes");
            if ((await to.Known([push.Commit], cancellation)).Count > 0) continue;
            next.Push((one.Name, true));
            foreach (var also in push.Also ?? []) next.Push((also, false));
            if (push.Before is { } before) next.Push((before, false));
        }

        foreach (var push in pushes)
        foreach (var name in push.Packs)
        {
            if (!IsName(name)) throw Damaged("names a pack by what is no digest");
            var bytes = await store.Get($"packs/{name}", Pack.Longest, cancellation) ?? throw Damaged($"lacks pack {name[..12]}");
            var pack = Pack.Read(bytes);
            yield return pack.Name == name ? pack : throw Damaged($"holds another pack under the name {name[..12]}");
        }
    }

    /// <inheritdoc/>
    public async Task<bool> Take(Pack pack, CancellationToken cancellation)
    {
        if (await store.Has($"packs/{pack.Name}", cancellation)) return false;
        await store.Put($"packs/{pack.Name}", pack.Bytes, cancellation);
        return true;
    }

    /// <inheritdoc/>
    public async Task<MoveOutcome> Move(BranchMove move, CancellationToken cancellation)
    {
        // Whether it leads forward the sender has to know: commits are not looked into here.
        var head = await Head(move.Branch, cancellation);
        if (head?.Push?.Commit != move.Expected) return MoveOutcome.Overtaken;
        if (head?.Push?.Commit == move.Next) return MoveOutcome.Moved;
        var bytes = JsonSerializer.SerializeToUtf8Bytes(
            new Manifest(Manifest.Form, move.Next, head?.Push is null ? null : head.Value.Ref.Text.Trim(), [.. move.Packs],
                _rests.Where(branch => branch.Key != move.Branch).Select(static branch => branch.Value).Distinct()
                    .Order(StringComparer.Ordinal).ToImmutableArray() is { IsEmpty: false } also ? also : null),
            PackJson.Default.Manifest);
        var name = Convert.ToHexStringLower(SHA256.HashData(bytes));
        await store.Put($"pushes/{name}", bytes, cancellation);
        return await store.SwapRef(move.Branch, head?.Ref, name + "\n", cancellation) ? MoveOutcome.Moved : MoveOutcome.Overtaken;
    }

    /// <inheritdoc/>
    public async Task<bool> Remove(string branch, CancellationToken cancellation)
    {
        if (await Head(branch, cancellation) is not { Push: not null } head) return false;
        return await store.SwapRef(branch, head.Ref, Removed + "\n", cancellation) ? true
            : throw new RemoteException($"somebody else has pushed to {branch} meanwhile: it stays", RemoteFault.Overtaken);
    }

    /// <inheritdoc/>
    public void Dispose() => store.Dispose();

    /// <summary>Where a branch is; null when nothing was ever there, without a push when it was removed.</summary>
    private async Task<(StoredRef Ref, Manifest? Push)?> Head(string branch, CancellationToken cancellation)
    {
        if (await store.ReadRef(branch, cancellation) is not { } found) return null;
        if (found.Text.Trim() == Removed) return (found, null);
        var name = found.Text.Length <= LongestRef ? found.Text.Trim() : "";
        return IsName(name) ? (found, await Push(name, cancellation)) : throw Damaged($"has a branch {branch} that leads nowhere");
    }

    private async Task<Manifest> Push(string name, CancellationToken cancellation)
    {
        if (_pushes.TryGetValue(name, out var read)) return read;
        if (!IsName(name)) throw Damaged("names a push by what is no digest");
        var bytes = await store.Get($"pushes/{name}", LongestManifest, cancellation) ?? throw Damaged($"lacks push {name[..12]}");
        if (Convert.ToHexStringLower(SHA256.HashData(bytes)) != name) throw Damaged($"holds another push under the name {name[..12]}");
        try
        {
            var push = JsonSerializer.Deserialize(bytes, PackJson.Default.Manifest);
            return push is { Format: Manifest.Form, Packs.IsDefault: false } ? _pushes[name] = push
                : throw Damaged("holds a push of a form that this program does not know");
        }
        catch (JsonException)
        {
            throw Damaged($"holds a push {name[..12]} that cannot be read");
        }
    }

    private static bool IsName(string name) => name.Length == ObjectHash.Digits && name.All(char.IsAsciiHexDigitLower);

    private static RemoteException Damaged(string what) => new($"the remote {what}", RemoteFault.Damaged);
}

/// <summary>What a push added.</summary>
/// <param name="Format">Always <see cref="Form"/>.</param>
/// <param name="Commit">Where the branch is from then on.</param>
/// <param name="Before">Name of the push before it on the branch.</param>
/// <param name="Packs">Names of the packs that the commit needs beside all earlier ones', in order.</param>
/// <param name="Also">Names of pushes on other branches of which it needs the packs too; null for none.</param>
internal sealed record Manifest(string Format, ObjectHash Commit, string? Before, ImmutableArray<string> Packs,
    ImmutableArray<string>? Also = null)
{
    /// <summary>The first form.</summary>
    public const string Form = "beadhub-push.v1";
}
