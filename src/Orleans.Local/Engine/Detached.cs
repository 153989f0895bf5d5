namespace Orleans.Local;

/// <summary>Starts what outlives the request that happens to start it, without that request's trace and context.</summary>
internal static class Detached
{
    /// <summary>Until it is disposed of, nothing flows into new tasks and timers.</summary>
    public static AsyncFlowControl Flow() => ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow();
}
