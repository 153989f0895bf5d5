using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Beadhub.Contacts;
using Beadhub.EventLog;

namespace Beadhub.Silo.Tests.EventLogs;

/// <summary>
/// A program from before folds were numbered: it knows that addresses are added, not that they are removed, skips what it does not know and
/// makes a snapshot at every event.
/// </summary>
internal sealed class OlderProgram(IEventLog log, string project)
{
    public async Task Add(string address)
    {
        var stored = await log.Load(new(NewerProgram.Kind.Name, project));
        var addresses = stored.Snapshot is { } snapshot
            ? JsonNode.Parse(snapshot)!["addresses"]!.AsArray().Select(node => (string)node!).ToList() : [];
        foreach (var e in stored.Tail)
            if (e.Type == EventTypes.NameOf(new ContactAdded("", "", null, default)))
                addresses.Add(((ContactAdded)EventTypes.Parse(e.Type, e.Data)!).Address);
        addresses.Add(address);
        var added = new ContactAdded(address, address, null, DateTimeOffset.UnixEpoch);
        var json = JsonSerializer.Serialize(new NewerProgram.Addressed([.. addresses]), AddressedJson.Default.Addressed);
        (await log.Append(NewerProgram.Appending(project, stored.Version, added, json))).Written.ShouldBeTrue();
    }
}

/// <summary>The program after it: it knows both.</summary>
internal sealed class NewerProgram(IEventLog log, string project)
{
    public static StreamKind<Addressed> Kind => Addressed.Kind;

    public static StreamAppend Appending(string project, long version, IEvent @event, string? snapshot) => new(
        project, new(Kind.Name, project), version, [new(EventTypes.NameOf(@event), EventTypes.Serialize(@event), DateTimeOffset.UnixEpoch)],
        snapshot);

    public async Task<ImmutableArray<string>> Addresses() => (await log.Load<Addressed>(project)).Fold<Addressed>().Addresses;

    public async Task Remove(string address, bool snapshot)
    {
        var stored = await log.Load<Addressed>(project);
        var removed = new ContactRemoved(address, DateTimeOffset.UnixEpoch);
        (await log
            .Append(Appending(project, stored.Version, removed,
            snapshot ? Kind.Save(stored.Fold<Addressed>().Apply(removed)) : null))).Written.ShouldBeTrue();
    }

    public sealed record Addressed(ImmutableArray<string> Addresses) : IEventSourced<Addressed>
    {
        public static Addressed Empty { get; } = new(ImmutableArray<string>.Empty);

        public static StreamKind<Addressed> Kind { get; } = new("addressed", AddressedJson.Default.Addressed, SnapshotEvery: 1, key =>
            key) { Fold = 2 };

        public Addressed Apply(IEvent @event) => @event switch
        {
            ContactAdded e => new(Addresses.Add(e.Address)),
            ContactRemoved e => new(Addresses.Remove(e.ContactId)),
            _ => this,
        };
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(NewerProgram.Addressed))]
internal sealed partial class AddressedJson : JsonSerializerContext;
