using Beadhub.History;

namespace Beadhub.Remotes;

/// <summary>Where a history is: a project, a folder, a bucket. All take the same objects, and pass one acceptance test class.</summary>
public interface IHistorySite
{
    /// <summary>The newest commit of each branch.</summary>
    Task<IReadOnlyDictionary<string, ObjectHash>> Heads(CancellationToken cancellation);

    /// <summary>Those of some commits that it has, with all that is under them.</summary>
    Task<IReadOnlySet<ObjectHash>> Known(IReadOnlyCollection<ObjectHash> commits, CancellationToken cancellation);

    /// <summary>
    /// What another site needs beside what it has to have a commit whole: parents before children, in the same packs each time, so that a
    /// transfer that was cut off goes on where it was. Every pack is what its name says.
    /// </summary>
    /// <param name="wanted">The commit.</param>
    /// <param name="to">Who is to have it; asked for what it knows.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="RemoteException">The site has not what it says it has.</exception>
    IAsyncEnumerable<Pack> Send(ObjectHash wanted, IHistorySite to, CancellationToken cancellation);

    /// <summary>Takes objects in, as yet below no branch.</summary>
    /// <returns>Whether any of it was new.</returns>
    Task<bool> Take(Pack pack, CancellationToken cancellation);

    /// <summary>Moves a branch, when it still is where the mover saw it, and only forward.</summary>
    Task<MoveOutcome> Move(BranchMove move, CancellationToken cancellation);

    /// <summary>Takes a branch away; the commits that it led to stay where they are.</summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="RemoteException">It has moved meanwhile, or cannot be removed.</exception>
    Task<bool> Remove(string branch, CancellationToken cancellation) =>
        throw new RemoteException("branches of this remote cannot be removed");
}

/// <summary>The project whose history is pushed, and into which others' is fetched.</summary>
public interface ILocalHistory : IHistorySite
{
    /// <summary>Whether a commit follows another one, or is it.</summary>
    Task<bool> Follows(ObjectHash commit, ObjectHash ancestor, CancellationToken cancellation);

    /// <summary>Notes where a remote's branch is, once all of the commit is here.</summary>
    /// <exception cref="RemoteException">It is not: what was sent lacks objects, or holds others than it should.</exception>
    Task Track(string remote, string branch, ObjectHash commit, CancellationToken cancellation);
}

/// <summary>A branch that is to be moved.</summary>
/// <param name="Branch">Its name.</param>
/// <param name="Expected">Where it was seen; null when there was none.</param>
/// <param name="Next">Where to.</param>
/// <param name="Packs">Names of the packs that were sent for it, in order.</param>
public sealed record BranchMove(string Branch, ObjectHash? Expected, ObjectHash Next, IReadOnlyList<string> Packs);

/// <summary>How a move ended.</summary>
public enum MoveOutcome
{
    /// <summary>The branch is where it was to be.</summary>
    Moved,

    /// <summary>Somebody else was faster: it is elsewhere.</summary>
    Overtaken,

    /// <summary>It would lose commits.</summary>
    NotForward,
}

/// <summary>A remote cannot be used, or is not as it should be; the message says why, in one sentence, and holds no credentials.</summary>
public sealed class RemoteException : Exception
{
    /// <param name="message">Why.</param>
    /// <param name="kind">What it is about.</param>
    /// <param name="cause">What was thrown.</param>
    public RemoteException(string message, RemoteFault kind = RemoteFault.Refused, Exception? cause = null) : base(message, cause) =>
        Kind = kind;

    /// <summary>What it is about.</summary>
    public RemoteFault Kind { get; }
}

/// <summary>What is wrong with a remote.</summary>
public enum RemoteFault
{
    /// <summary>It refuses, or must not be used so.</summary>
    Refused,

    /// <summary>It did not answer, or broke off: trying again may help.</summary>
    Transient,

    /// <summary>What it sent is not what it should be.</summary>
    Damaged,

    /// <summary>It has commits that are not here.</summary>
    NotForward,

    /// <summary>Somebody else pushed at the same time.</summary>
    Overtaken,

    /// <summary>There is no such thing.</summary>
    NotFound,
}
