using Beadhub.Gateway.Tests.Stores;

// One server a store for the whole run; the classes share it and run side by side.
[assembly: AssemblyFixture(typeof(SqliteStore))]
[assembly: AssemblyFixture(typeof(PostgresStore))]
[assembly: CollectionBehavior(MaxParallelThreads = 6)]
[assembly: TestFramework(typeof(StoresTestFramework))]
