using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Beadhub.EventLog;
using Beadhub.Identities;

namespace Beadhub.Remotes;

/// <inheritdoc cref="IRemotesGrain"/>
public sealed class RemotesGrain(IEventLog log, TimeProvider time, Seal seal) : EventSourcedGrain<RemoteBook>(log), IRemotesGrain
{
    private static readonly Func<RemoteBook, RemoteList> ListOf = static book => book.List();

    /// <inheritdoc/>
    public Task<RemoteView> Set(SetRemote command)
    {
        var hidden = command.User is null && command.Password is null ? null
            : seal.CloseText($"{command.User}\n{command.Password}") ?? throw new RefusedException(RefusalKind.Conflict,
                "Credentials are kept under seal only, and the server has no key for that: set BEADHUB_SECRET_KEY");
        return Transact(book => book.Set(command, hidden, time.Now()));
    }

    /// <inheritdoc/>
    public Task<bool> Remove(string name) => Transact(book => book.Remove(name, time.Now()));

    /// <inheritdoc/>
    public ValueTask<RemoteList> List() => Read(ListOf);

    /// <inheritdoc/>
    public async ValueTask<RemoteTarget?> Target(string name)
    {
        if (await Read(book => book.Remotes.GetValueOrDefault(name)) is not { } remote) return null;
        if (remote.Sealed is null) return new(remote.View(), "", "");
        return seal.OpenText(remote.Sealed)?.Split('\n', 2) is [var user, var password] ? new(remote.View(), user, password)
            : throw new RefusedException(RefusalKind.Conflict,
                $"The credentials of {name} cannot be opened: the server's secret key was changed or is missing. Set them again");
    }

    /// <inheritdoc/>
    public Task<string> PseudonymKey()
    {
        var proposed = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        return Transact(book => book.Key is { } key ? Decision.None(key)
            : Decision.Accept(proposed, new PseudonymsKeyed(proposed, time.Now())));
    }
}

/// <summary>A remote as it is kept.</summary>
public sealed record KeptRemote(string Name, string Url, string Sovereignty, string? Sealed, string By, DateTimeOffset At)
{
    /// <summary>As it is shown.</summary>
    public RemoteView View() => new(Name, Url, Sovereignty, Sealed is not null, By, At);
}

/// <summary>The remotes of a project. Pure.</summary>
/// <param name="Remotes">By name.</param>
/// <param name="Key">Key of the pseudonyms.</param>
public sealed record RemoteBook(ImmutableSortedDictionary<string, KeptRemote> Remotes, string? Key) : IEventSourced<RemoteBook>
{
    private const int Most = 100;

    /// <inheritdoc/>
    public static RemoteBook Empty { get; } = new(ImmutableSortedDictionary.Create<string, KeptRemote>(StringComparer.Ordinal), null);

    /// <inheritdoc/>
    public static StreamKind<RemoteBook> Kind { get; } = new("remotes", RemotesJson.Default.RemoteBook, SnapshotEvery: 64, key => key);

    /// <inheritdoc cref="RemoteBook"/>
    public ImmutableSortedDictionary<string, KeptRemote> Remotes { get; init; } = Remotes.WithComparers(StringComparer.Ordinal);

    /// <inheritdoc/>
    public RemoteBook Apply(IEvent @event) => @event switch
    {
        RemoteSet e => this with { Remotes = Remotes.SetItem(e.Name, new(e.Name, e.Url, e.Sovereignty, e.SealedSecret, e.By, e.At)) },
        RemoteRemoved e => this with { Remotes = Remotes.Remove(e.Name) },
        PseudonymsKeyed e => this with { Key = Key ?? e.Secret },
        _ => this,
    };

    /// <summary>All, by name.</summary>
    public RemoteList List() => new([.. Remotes.Values.Select(static remote => remote.View())]);

    /// <summary>Adds a remote, or replaces one.</summary>
    public Decision<RemoteView> Set(SetRemote command, string? hidden, DateTimeOffset now)
    {
        if (Remotes.Count >= Most && !Remotes.ContainsKey(command.Name))
            throw new RefusedException(RefusalKind.Conflict, $"Too many remotes: at most {Most}");
        var set = new RemoteSet(command.Name, command.Url, command.Sovereignty, hidden, command.By, now);
        return Decision.Accept(new KeptRemote(set.Name, set.Url, set.Sovereignty, set.SealedSecret, set.By, set.At).View(), set);
    }

    /// <summary>Removes a remote.</summary>
    public Decision<bool> Remove(string name, DateTimeOffset now) =>
        Remotes.ContainsKey(name) ? Decision.Accept(true, new RemoteRemoved(name, now)) : Decision.None(false);
}

/// <summary>JSON of the snapshots.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RemoteBook))]
internal sealed partial class RemotesJson : JsonSerializerContext;
