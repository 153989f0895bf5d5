using Beadhub.Cluster.Tests;

// Classes run one after the other: each has processes of its own, and two cores carry only so many.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: AssemblyFixture(typeof(CalmCluster))]
