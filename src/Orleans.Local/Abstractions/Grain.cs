using Orleans.Local;
using Orleans.Runtime;

namespace Orleans;

/// <summary>Base class of grains. One instance serves one key, one request at a time.</summary>
public abstract class Grain : IGrainBase, IAddressable
{
    /// <summary>Joins the activation on whose scheduler the instance is being made; a grain made elsewhere (a unit test) has
    /// none.</summary>
    protected Grain() => GrainContext = Activation.Current!;

    /// <inheritdoc/>
    public IGrainContext GrainContext { get; }

    /// <summary>Makes references to other grains.</summary>
    protected IGrainFactory GrainFactory => Activation.Of(this).Class.Cluster;

    /// <summary>Services for the grain.</summary>
    protected IServiceProvider ServiceProvider => Activation.Of(this).ActivationServices;

    /// <inheritdoc cref="IGrainBase.OnActivateAsync"/>
    public virtual Task OnActivateAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc cref="IGrainBase.OnDeactivateAsync"/>
    public virtual Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Ends this activation once its running requests have completed; later calls get a new one.</summary>
    protected void DeactivateOnIdle() => GrainBaseExtensions.DeactivateOnIdle(this);
}
