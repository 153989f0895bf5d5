namespace Beadhub.Gateway.Metrics;

/// <summary>Who may read <c>/metrics</c>.</summary>
public enum MetricsAccess
{
    /// <summary>Requests from this machine that no proxy has forwarded.</summary>
    Local,

    /// <summary>Requests that no proxy has forwarded, from wherever: who collects from the nodes, and nobody by way of an
    /// ingress.</summary>
    Direct,

    /// <summary>Everybody who reaches the port.</summary>
    All,

    /// <summary>Nobody.</summary>
    Off,
}
