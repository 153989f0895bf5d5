using Beadhub.Cluster.Tests;

// Three at a time: those on the calm cluster, those that wait for nodes to end and to be missed, and the storms. Much of it is waiting for
// processes to start and for leases to end. Of each of the three one follows the other, since two cores carry only so many nodes.
[assembly: CollectionBehavior(MaxParallelThreads = 3)]
[assembly: AssemblyFixture(typeof(CalmCluster))]
