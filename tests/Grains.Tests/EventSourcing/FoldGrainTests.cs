using System.Collections.Immutable;
using Beadhub.Beads;
using Beadhub.Contacts;
using Beadhub.EventLog;
using Beadhub.Grains.Tests.Projects;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans;
using Orleans.Hosting;

namespace Beadhub.Grains.Tests.EventSourcing;

/// <summary>Which snapshots are believed and which are made.</summary>
public sealed class FoldGrainTests
{
    private const string Project = "10000000-0000-0000-0000-000000000000";
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public void A_snapshot_is_believed_by_the_fold_that_made_it_alone()
    {
        var (first, second, twelfth) = (ContactList.Kind, ContactList.Kind with { Fold = 2 }, ContactList.Kind with { Fold = 12 });
        var list = ContactList.Empty.Apply(new ContactAdded("id", "a/b", "L", Noon));

        foreach (var kind in (StreamKind<ContactList>[])[first, second, twelfth])
        {
            var snapshot = kind.Save(list);
            foreach (var reader in (StreamKind<ContactList>[])[first, second, twelfth]) reader.IsCurrent(snapshot).ShouldBe(reader == kind);
            kind.Restore(snapshot).Book.Contacts.ShouldBe(list.Book.Contacts);
            // A program that knows of no folds reads it all the same, until it is replaced.
            System.Text.Json.JsonSerializer.Deserialize(snapshot, ContactList.Kind.Snapshot)!.Book.Contacts.ShouldBe(list.Book.Contacts);
        }

        Should.Throw<InvalidOperationException>(() => new StoredStream(Project, 1, 1, first.Save(list), []).Fold<Bead>());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task No_snapshot_is_made_over_an_event_that_is_not_known(bool whileActive)
    {
        var log = new FeedLog { ExclusiveEpoch = 1 };
        await using var services = new ServiceCollection()
            .AddSingleton(TimeProvider.System).AddSingleton<IEventLog>(log).AddLocalGrains(typeof(EventSourcedGrain<>).Assembly)
                .BuildServiceProvider();
        await services.GetServices<IHostedService>().Single().StartAsync(TestContext.Current.CancellationToken);
        var contacts = services.GetRequiredService<IGrainFactory>().GetGrain<IContactsGrain>(Project);
        await Add(whileActive ? 10 : 0, "a");

        var stored = await log.Load<ContactList>(Project, Cancelled);
        await log.Append(new(Project, new(ContactList.Kind.Name, Project), stored.Version, [new("contact.renamed.v9", "{}", Noon)], null),
            Cancelled);
        log.ExclusiveEpoch = 2;
        await Add(2 * ContactList.Kind.SnapshotEvery, "b");

        (await log.Load<ContactList>(Project, Cancelled)).Snapshot.ShouldBeNull();

        async Task Add(int count, string prefix)
        {
            for (var i = 0; i < count; i++) await contacts.Add(new($"{prefix}{i}", $"{prefix}{i}/x", null, "own"));
        }
    }

    [Fact]
    public async Task A_stream_whose_snapshot_another_fold_made_is_read_with_all_its_events()
    {
        var log = new FeedLog();
        for (var i = 0; i < 40; i++)
        {
            var key = $"{Project}/{i}";
            await log
                .Append(new(Project, new(Bead.Kind.Name, key), 0, [Event(new BeadClaimed("w1", "alice", "", null, null, Noon))],
                i % 2 == 0 ? """{"records":[],"claims":[]}""" : null), Cancelled);
            await log.Append(new(Project, new(Bead.Kind.Name, key), 1, [Event(new BeadClaimed("w2", "bob", "", null, null, Noon))], null),
                Cancelled);
        }

        var beads = ImmutableArray.CreateBuilder<Bead>();
        await foreach (var stored in log.LoadAll<Bead>(Project, Cancelled)) beads.Add(stored.Fold<Bead>());
        beads.Count.ShouldBe(40);
        beads.ShouldAllBe(bead => bead.Claims.Length == 2 && bead.Events == 2);
        (await log.Load<Bead>($"{Project}/0", Cancelled)).Fold<Bead>().Claims.Length.ShouldBe(2);

        static NewEvent Event(IEvent e) => new(EventTypes.NameOf(e), EventTypes.Serialize(e), Noon);
    }
}
