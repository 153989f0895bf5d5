using System.Collections.Immutable;
using Beadhub.EventLog;
using Beadhub.Grains.Tests.Projects;
using Beadhub.HiveSync;
using Beadhub.Identities;
using Beadhub.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans;
using Orleans.Hosting;

namespace Beadhub.Grains.Tests.HiveSync;

/// <summary>A site with the log of one hive, on the engine; what it would send and be sent goes by calls.</summary>
internal sealed class MeshSite : IAsyncDisposable
{
    public const string GroupId = "sg_group";

    private ServiceProvider? _services;

    public FeedLog Log { get; } = new() { ExclusiveEpoch = 1 };

    public ManualTime Time { get; init; } = new();

    public Seal Seal { get; init; } = new(new byte[32]);

    public HiveSyncGroup Settings { get; private set; } = null!;

    public string InstanceId => Settings.InstanceId;

    public IGrainFactory Grains => _services!.GetRequiredService<IGrainFactory>();

    public IHiveSyncGroupGrain Group => Grains.GetGrain<IHiveSyncGroupGrain>(GroupId);

    public static async Task<MeshSite> Start(string name = "eng", ManualTime? time = null)
    {
        var site = new MeshSite { Time = time ?? new() };
        await site.Restart();
        site.Settings = await site.Group.Create(new("eng", name));
        return site;
    }

    public async Task Restart()
    {
        if (_services is not null) await _services.DisposeAsync();
        _services = new ServiceCollection().AddSingleton<TimeProvider>(Time).AddSingleton<IEventLog>(Log).AddSingleton(Seal)
            .AddLocalGrains(typeof(EventSourcedGrain<>).Assembly).BuildServiceProvider();
        foreach (var service in _services.GetServices<IHostedService>()) await service.StartAsync(TestContext.Current.CancellationToken);
    }

    public async Task<MeshEntry> Post(string id, string? key = null) =>
        (await Group.Write(new([new("post_created", $$"""{"post_id":"{{id}}","title":"é ✓"}""")], key))).Entries.ShouldHaveSingleItem();

    public async Task<ImmutableArray<MeshEntry>> All() => (await Group.Read(0, 1000)).Entries;

    /// <summary>All that it has, as another site is sent it.</summary>
    public async Task<ImmutableArray<ReceivedMeshEvent>> Outgoing() => [.. (await All()).Select(static entry => Sent(entry.Event))];

    public static ReceivedMeshEvent Sent(MeshEvent e) => new(e.Type, e.Origin, e.OriginTs, e.Payload, e.Signature);

    public Task<MeshEventsIngested> Take(IEnumerable<ReceivedMeshEvent> events, string via = "peer") => Group.Ingest(new([.. events], via));

    public ValueTask DisposeAsync() => _services!.DisposeAsync();
}
