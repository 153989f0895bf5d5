using Orleans.Runtime;

namespace Orleans.Runtime
{
    /// <summary>Something that can be called by its identity: a grain or a reference to one.</summary>
    public interface IAddressable;
}

namespace Orleans
{
    /// <summary>Marks the interfaces of grains.</summary>
    public interface IGrain : IAddressable;

    /// <summary>Marks the interfaces of grains whose identity is a string.</summary>
    public interface IGrainWithStringKey : IGrain;

    /// <summary>What a grain class gives to the engine that runs it.</summary>
    public interface IGrainBase
    {
        /// <summary>The activation that the instance belongs to.</summary>
        IGrainContext GrainContext { get; }

        /// <summary>Called before the first request; a failure fails the calls that wait for the activation.</summary>
        Task OnActivateAsync(CancellationToken token) => Task.CompletedTask;

        /// <summary>Called after the last request.</summary>
        Task OnDeactivateAsync(DeactivationReason reason, CancellationToken token) => Task.CompletedTask;
    }
}
