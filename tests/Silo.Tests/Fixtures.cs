using Beadhub.Testing;

[assembly: AssemblyFixture(typeof(PostgresCluster))]
