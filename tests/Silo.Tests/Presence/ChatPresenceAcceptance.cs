using Beadhub.Chat;
using Beadhub.Presence;
using Beadhub.Testing;

namespace Beadhub.Silo.Tests.Presence;

/// <summary>Who waits in a session (protocol 8.7), whatever keeps it.</summary>
public abstract class ChatPresenceAcceptance : IAsyncLifetime
{
    private readonly ManualTime _time = new();
    private IChatPresence _presence = null!;

    public async ValueTask InitializeAsync() => _presence = await NewPresence(_time);

    public abstract ValueTask DisposeAsync();

    private protected abstract Task<IChatPresence> NewPresence(TimeProvider time);

    [Fact]
    public async Task An_agent_waits_as_long_as_one_of_its_streams_is_open()
    {
        ChatSeat first = new("p/s", "a", Guid.NewGuid()), second = new("p/s", "a", Guid.NewGuid());
        await _presence.Enter([first, second]);

        await _presence.Leave(first);
        (await Waiting("p/s")).ShouldBe(["a"]);

        await _presence.Leave(second);
        await _presence.Leave(second);
        (await Waiting("p/s")).ShouldBeEmpty();
    }

    [Fact]
    public async Task Sessions_are_apart()
    {
        await _presence.Enter([new("p/s", "a", Guid.NewGuid()), new("p/t", "b", Guid.NewGuid())]);

        (await _presence.Waiting(["p/t", "p/none", "p/s"])).Select(agents => string.Join(',', agents)).ShouldBe(["b", "", "a"]);
    }

    [Fact]
    public async Task Who_is_not_renewed_counts_no_more()
    {
        ChatSeat lost = new("p/s", "a", Guid.NewGuid()), renewed = new("p/s", "b", Guid.NewGuid());
        await _presence.Enter([lost, renewed]);
        (await Waiting("p/s")).ShouldBe(["a", "b"], ignoreOrder: true);

        _time.Pass(60);
        await _presence.Enter([renewed]);
        _time.Pass(29);
        (await Waiting("p/s")).ShouldBe(["a", "b"], ignoreOrder: true);
        _time.Pass(1);
        (await Waiting("p/s")).ShouldBe(["b"]);
        _time.Pass(60);
        (await Waiting("p/s")).ShouldBeEmpty();
    }

    [Fact]
    public async Task That_an_agent_has_listed_its_sessions_is_known_for_a_while()
    {
        (await _presence.LastListed("a")).ShouldBeNull();

        await _presence.Listed("a");
        var at = _time.GetUtcNow();
        _time.Pass(6);

        (await _presence.LastListed("a")).ShouldBe(at);
        (await _presence.LastListed("b")).ShouldBeNull();
        await _presence.Listed("a");
        (await _presence.LastListed("a")).ShouldBe(_time.GetUtcNow());
    }

    private async Task<IEnumerable<string>> Waiting(string session) => (await _presence.Waiting([session]))[0];
}

/// <summary>Who waits, in memory.</summary>
public sealed class MemoryChatPresenceTests : ChatPresenceAcceptance
{
    public override ValueTask DisposeAsync() => default;

    private protected override Task<IChatPresence> NewPresence(TimeProvider time) =>
        Task.FromResult<IChatPresence>(new MemoryChatPresence(time));
}
