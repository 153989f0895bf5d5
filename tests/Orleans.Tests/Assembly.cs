// Clusters of processes on one machine: one at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
