namespace Orleans.Local;

/// <summary>How a call may be scheduled: the attributes of its method.</summary>
[Flags]
public enum CallOptions
{
    /// <summary>One request at a time.</summary>
    None = 0,

    /// <summary>Together with other such requests.</summary>
    ReadOnly = 1,

    /// <summary>Together with any request.</summary>
    Interleave = 2,

    /// <summary>Nobody waits for the outcome.</summary>
    OneWay = 4,
}
