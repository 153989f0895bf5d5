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
/// <c>refs/BRANCH</c> names the newest push. A push names the one before it, so that who has the commit of one needs the packs of later
/// ones only, and nothing that is there is ever written again.
/// </summary>
public sealed class StoredHistory(IObjectStore store) : IHistorySite, IDisposable
{
    private const int LongestManifest = 4 * 1024 * 1024;
    private const int LongestRef = 4096;
    private const int MostPushes = 100_000;

    private readonly Dictionary<string, Manifest> _pushes = [];

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<string, ObjectHash>> Heads(CancellationToken cancellation)
    {
        var heads = new SortedDictionary<string, ObjectHash>(StringComparer.Ordinal);
        foreach (var name in await store.Refs(cancellation))
            if (await Head(name, cancellation) is { } head) heads[name] = head.Push.Commit;
        return heads;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlySet<ObjectHash>> Known(IReadOnlyCollection<ObjectHash> commits, CancellationToken cancellation)
    {
        // Only what pushes ended with: others are in the packs as well, but a sender who does not know sends a little more.
        var (wanted, known) = (commits.ToHashSet(), new HashSet<ObjectHash>());
        foreach (var name in await store.Refs(cancellation))
        {
            var head = await Head(name, cancellation);
            for (var (push, steps) = (head?.Push, 0); push is not null && steps < MostPushes && known.Count < wanted.Count; steps++)
            {
                if (wanted.Contains(push.Commit)) known.Add(push.Commit);
                push = push.Before is { } before ? await Push(before, cancellation) : null;
            }
        }

        return known;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<Pack> Send(ObjectHash wanted, IHistorySite to, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var pushes = new Stack<Manifest>();
        foreach (var name in await store.Refs(cancellation))
        {
            if (await Head(name, cancellation) is not { } head || head.Push.Commit != wanted) continue;
            for (var push = head.Push; push is not null;)
            {
                if (pushes.Count > MostPushes) throw Damaged("names more pushes than anybody makes");
                if ((await to.Known([push.Commit], cancellation)).Count > 0) break;
                pushes.Push(push);
                push = push.Before is { } before ? await Push(before, cancellation) : null;
            }

            break;
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
        if (head?.Push.Commit != move.Expected) return MoveOutcome.Overtaken;
        if (head?.Push.Commit == move.Next) return MoveOutcome.Moved;
        var bytes = JsonSerializer.SerializeToUtf8Bytes(
            new Manifest(Manifest.Form, move.Next, head?.Ref.Text.Trim(), [.. move.Packs]), PackJson.Default.Manifest);
        var name = Convert.ToHexStringLower(SHA256.HashData(bytes));
        await store.Put($"pushes/{name}", bytes, cancellation);
        return await store.SwapRef(move.Branch, head?.Ref, name + "\n", cancellation) ? MoveOutcome.Moved : MoveOutcome.Overtaken;
    }

    /// <inheritdoc/>
    public void Dispose() => store.Dispose();

    private async Task<(StoredRef Ref, Manifest Push)?> Head(string branch, CancellationToken cancellation)
    {
        if (await store.ReadRef(branch, cancellation) is not { } found) return null;
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
internal sealed record Manifest(string Format, ObjectHash Commit, string? Before, ImmutableArray<string> Packs)
{
    /// <summary>The first form.</summary>
    public const string Form = "beadhub-push.v1";
}
