namespace Beadhub.Gateway.Metrics;

/// <summary>Who may read <c>/metrics</c>.</summary>
public enum MetricsAccess
{
    /// <summary>Requests from this machine that no proxy has forwarded.</summary>
    Local,

    /// <summary>Everybody who reaches the port.</summary>
    All,

    /// <summary>Nobody.</summary>
    Off,
}
