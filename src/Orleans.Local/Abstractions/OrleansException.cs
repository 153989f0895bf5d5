namespace Orleans.Runtime;

/// <summary>The engine, not the grain, failed.</summary>
public class OrleansException : Exception
{
    /// <inheritdoc cref="Exception(string, Exception)"/>
    public OrleansException(string message, Exception? innerException = null) : base(message, innerException) { }
}

/// <summary>The process that would run the grain is stopping or gone. The call may be repeated.</summary>
public class SiloUnavailableException : OrleansException
{
    /// <inheritdoc cref="Exception(string, Exception)"/>
    public SiloUnavailableException(string message, Exception? innerException = null) : base(message, innerException) { }
}
