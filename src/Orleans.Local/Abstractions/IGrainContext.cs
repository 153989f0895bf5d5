namespace Orleans.Runtime;

/// <summary>A grain as the engine sees it: one activation.</summary>
public interface IGrainContext
{
    /// <summary>The instance, or null while it has not been made.</summary>
    object? GrainInstance { get; }

    /// <summary>Services for the grain.</summary>
    IServiceProvider ActivationServices { get; }

    /// <summary>Completes once the activation has ended.</summary>
    Task Deactivated { get; }

    /// <summary>Ends the activation once its running requests have completed; later calls get a new one.</summary>
    void Deactivate(DeactivationReason deactivationReason, CancellationToken cancellationToken = default);
}
