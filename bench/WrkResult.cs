namespace Beadhub.Bench;

/// <summary>What a run of wrk measured; latencies in seconds.</summary>
internal sealed record WrkResult(long Requests, double PerSecond, double P50, double P99);
