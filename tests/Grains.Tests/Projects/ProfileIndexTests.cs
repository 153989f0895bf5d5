using Beadhub.EventLog;
using Beadhub.Projects;
using Beadhub.Workspaces;

namespace Beadhub.Grains.Tests.Projects;

/// <summary>The profiles in memory, alone and beside other nodes.</summary>
public class ProfileIndexTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly FeedLog _log = new();
    private readonly ProfileIndex _index;
    private int _minute;

    public ProfileIndexTests() => _index = new(_log, "p");

    private async Task<Profile> AnotherNodeWrites(string workspaceId, string role)
    {
        var stream = new StreamKey("workspace", IWorkspaceGrain.Key("p", workspaceId));
        var changed = new ProfileChanged(Workspace.Empty.Profile with { Role = role, UpdatedAt = Noon.AddMinutes(++_minute) });
        var version = await _log.Version("p", stream);
        await _log.Append(new("p", stream, version, [new(EventTypes.NameOf(changed), EventTypes.Serialize(changed), Noon)], null));
        return changed.Profile;
    }

    private async Task<string?> RoleOf(string workspaceId) => (await _index.Newest()).GetValueOrDefault(workspaceId)?.Role;

    [Fact]
    public async Task It_begins_with_all_profiles()
    {
        await AnotherNodeWrites("w1", "dev");
        await AnotherNodeWrites("w2", "reviewer");
        await _index.CatchUp(TestContext.Current.CancellationToken);

        (await RoleOf("w1"), await RoleOf("w2")).ShouldBe(("dev", "reviewer"));
    }

    [Fact]
    public async Task Alone_it_answers_at_once_and_asks_the_log_nothing()
    {
        _log.ExclusiveEpoch = 1;
        await _index.CatchUp(TestContext.Current.CancellationToken);
        var asked = _log.Asked;

        var newest = _index.Newest();
        newest.IsCompletedSuccessfully.ShouldBeTrue();
        (await newest).ShouldBeSameAs(await _index.Newest());
        _log.Asked.ShouldBe(asked);
    }

    [Fact]
    public async Task What_is_doubted_during_a_look_stays_in_doubt()
    {
        await _index.CatchUp(TestContext.Current.CancellationToken);
        _log.ExclusiveEpoch = 1;
        var held = new TaskCompletionSource();
        _log.Hold = () => held.Task;
        var looking = _index.Newest();
        _log.Hold = () => Task.CompletedTask;
        await AnotherNodeWrites("w1", "dev");
        _index.Distrust();
        held.SetResult();
        await looking;

        (await RoleOf("w1")).ShouldBe("dev");
    }

    [Fact]
    public async Task Beside_other_nodes_it_follows_the_feed()
    {
        await _index.CatchUp(TestContext.Current.CancellationToken);
        await AnotherNodeWrites("w1", "dev");
        (await RoleOf("w1")).ShouldBe("dev");

        await AnotherNodeWrites("w1", "reviewer");
        (await RoleOf("w1")).ShouldBe("reviewer");
    }

    [Fact]
    public async Task Beside_other_nodes_the_same_object_is_given_while_nothing_changed()
    {
        await AnotherNodeWrites("w1", "dev");
        await _index.CatchUp(TestContext.Current.CancellationToken);

        (await _index.Newest()).ShouldBeSameAs(await _index.Newest());
        _log.FeedPages.ShouldBe(0);
    }

    [Fact]
    public async Task Alone_again_it_catches_up_once()
    {
        _log.ExclusiveEpoch = 1;
        await _index.CatchUp(TestContext.Current.CancellationToken);
        _log.ExclusiveEpoch = 0;
        await AnotherNodeWrites("w1", "dev");
        _log.ExclusiveEpoch = 2;

        (await RoleOf("w1")).ShouldBe("dev");
        _index.Newest().IsCompletedSuccessfully.ShouldBeTrue();
    }

    [Fact]
    public async Task A_newer_profile_is_never_replaced_by_an_older_one()
    {
        var older = await AnotherNodeWrites("w1", "dev");
        var newer = await AnotherNodeWrites("w1", "reviewer");
        _index.Set("w1", newer);
        _index.Set("w1", older);

        (await RoleOf("w1")).ShouldBe("reviewer");
    }

    [Fact]
    public async Task After_a_doubtful_write_it_looks()
    {
        _log.ExclusiveEpoch = 1;
        await _index.CatchUp(TestContext.Current.CancellationToken);
        await AnotherNodeWrites("w1", "dev");
        (await RoleOf("w1")).ShouldBeNull();

        _index.Distrust();
        (await RoleOf("w1")).ShouldBe("dev");
    }

    [Fact]
    public async Task Far_behind_it_reads_the_profiles_and_not_the_feed()
    {
        await _index.CatchUp(TestContext.Current.CancellationToken);
        for (var i = 0; i < 5000; i++) await AnotherNodeWrites("w1", $"r{i}");

        (await RoleOf("w1")).ShouldBe("r4999");
        _log.FeedPages.ShouldBe(0);
        await AnotherNodeWrites("w1", "last");
        (await RoleOf("w1")).ShouldBe("last");
        _log.FeedPages.ShouldBe(1);
    }
}
