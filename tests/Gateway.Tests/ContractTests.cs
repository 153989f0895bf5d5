using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>Tests over HTTP that hold on every store. Each makes a project of its own, so all can share one server.</summary>
public abstract class ContractTests(Store store) : IAsyncLifetime
{
    private const int ShownLines = 60;

    private int printed;

    /// <summary>The server, called without credentials.</summary>
    protected Api Api { get; private set; } = null!;

    protected Store Store => store;

    public async ValueTask InitializeAsync()
    {
        if (Store.Elsewhere is not null && store is PostgresStore)
            Assert.Skip("BEADHUB_TEST_URL is set; that server is tested once, by the other half of the run.");
        Api = await store.Shared();
        printed = store.Output.Length;
    }

    public ValueTask DisposeAsync()
    {
        if (TestContext.Current.TestState?.Result == TestResult.Failed)
        {
            foreach (var line in store.Output.Skip(printed).TakeLast(ShownLines))
                TestContext.Current.TestOutputHelper?.WriteLine(line);
        }
        GC.SuppressFinalize(this);
        return default;
    }

    protected Project NewProject() => new(Api);

    /// <summary>The same caller, through the trusted gateway instead of with a key.</summary>
    protected Api Proxied(Agent agent) => Api.With(ProxyHeaders.User(agent.ProjectId, Guid.NewGuid().ToString(), agent.Id));

    /// <summary>Somebody who looks at the project's public page.</summary>
    protected Api PublicReader(Agent agent) => Api.With(ProxyHeaders.Public(agent.ProjectId));
}
