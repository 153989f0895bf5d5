using System.Collections.Immutable;
using Orleans;
using Orleans.Concurrency;

namespace Beadhub.Remotes;

/// <summary>The remotes that a project keeps for all its agents, and the key of its pseudonyms. Key: project id.</summary>
[Alias("beadhub.remotes")]
public interface IRemotesGrain : IGrainWithStringKey
{
    /// <summary>Adds a remote, or replaces the one of its name.</summary>
    /// <exception cref="RefusedException">There are too many; or credentials are given, and the server has no key to seal them
    /// with.</exception>
    Task<RemoteView> Set(SetRemote command);

    /// <summary>Removes a remote. The answer says whether there was one.</summary>
    Task<bool> Remove(string name);

    /// <summary>All remotes, by name, without credentials.</summary>
    [ReadOnly, AlwaysInterleave]
    ValueTask<RemoteList> List();

    /// <summary>One with its credentials, for the server itself; null when there is none.</summary>
    /// <exception cref="RefusedException">Its credentials cannot be opened.</exception>
    ValueTask<RemoteTarget?> Target(string name);

    /// <summary>The key under which people of the project get pseudonyms, in hexadecimal digits; made when it is first asked for.</summary>
    Task<string> PseudonymKey();
}

/// <summary>Adds a remote. All is checked.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Url">Where it is.</param>
/// <param name="Sovereignty">How much of the history it may have: T1 to T4.</param>
/// <param name="User">User, or access key; null for none.</param>
/// <param name="Password">Password, secret key or API key; null for none.</param>
/// <param name="By">Alias of who adds it.</param>
[GenerateSerializer, Immutable, Alias("remotes.set.v1")]
public sealed record SetRemote(
    [property: Id(0)] string Name,
    [property: Id(1)] string Url,
    [property: Id(2)] string Sovereignty,
    [property: Id(3)] string? User,
    [property: Id(4)] string? Password,
    [property: Id(5)] string By);

/// <summary>A remote as it is shown.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Url">Where it is.</param>
/// <param name="Sovereignty">How much of the history it may have.</param>
/// <param name="HasCredentials">Whether credentials are kept for it.</param>
/// <param name="By">Alias of who added it.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("remotes.remote.v1")]
public sealed record RemoteView(
    [property: Id(0)] string Name,
    [property: Id(1)] string Url,
    [property: Id(2)] string Sovereignty,
    [property: Id(3)] bool HasCredentials,
    [property: Id(4)] string By,
    [property: Id(5)] DateTimeOffset At);

/// <summary>Remotes, by name.</summary>
[GenerateSerializer, Immutable, Alias("remotes.list.v1")]
public sealed record RemoteList([property: Id(0)] ImmutableArray<RemoteView> Remotes);

/// <summary>A remote with its credentials.</summary>
[GenerateSerializer, Immutable, Alias("remotes.target.v1")]
public sealed record RemoteTarget([property: Id(0)] RemoteView Remote, [property: Id(1)] string User, [property: Id(2)] string Password);

/// <summary>A project has a remote, in place of any of its name.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Url">Where it is.</param>
/// <param name="Sovereignty">How much of the history it may have.</param>
/// <param name="SealedSecret">User and password, a line each, under seal; null for none.</param>
/// <param name="By">Alias of who added it.</param>
/// <param name="At">When.</param>
[GenerateSerializer, Immutable, Alias("remotes.remote_set.v1")]
public sealed record RemoteSet(
    [property: Id(0)] string Name,
    [property: Id(1)] string Url,
    [property: Id(2)] string Sovereignty,
    [property: Id(3)] string? SealedSecret,
    [property: Id(4)] string By,
    [property: Id(5)] DateTimeOffset At) : IEvent;

/// <summary>A project has a remote no longer.</summary>
[GenerateSerializer, Immutable, Alias("remotes.remote_removed.v1")]
public sealed record RemoteRemoved([property: Id(0)] string Name, [property: Id(1)] DateTimeOffset At) : IEvent;

/// <summary>A project has a key for pseudonyms, in hexadecimal digits.</summary>
[GenerateSerializer, Immutable, Alias("remotes.pseudonyms_keyed.v1")]
public sealed record PseudonymsKeyed([property: Id(0)] string Secret, [property: Id(1)] DateTimeOffset At) : IEvent;
