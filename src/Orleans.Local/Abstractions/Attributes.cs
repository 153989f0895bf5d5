// Attributes of the programming model. This engine passes objects by reference, so those about serialization say nothing to it.
namespace Orleans
{
    /// <summary>The type crosses grain boundaries.</summary>
    [AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct | AttributeTargets.Enum)]
    public sealed class GenerateSerializerAttribute : Attribute;

    /// <summary>Number of a member on the wire.</summary>
    [AttributeUsage(AttributeTargets.Field | AttributeTargets.Property | AttributeTargets.Class | AttributeTargets.Struct
        | AttributeTargets.Enum | AttributeTargets.Method)]
    public sealed class IdAttribute(uint id) : Attribute
    {
        /// <summary>The number.</summary>
        public uint Id { get; } = id;
    }

    /// <summary>A name that outlives renaming in the code.</summary>
    [AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct | AttributeTargets.Enum | AttributeTargets.Interface
        | AttributeTargets.Method)]
    public sealed class AliasAttribute(string alias) : Attribute
    {
        /// <summary>The name.</summary>
        public string Alias { get; } = alias;
    }

    /// <summary>Never changes once made, so it may be passed without a copy.</summary>
    [AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct | AttributeTargets.Parameter | AttributeTargets.Field
        | AttributeTargets.Property)]
    public sealed class ImmutableAttribute : Attribute;
}

namespace Orleans.Concurrency
{
    /// <summary>
    /// Starts whatever else runs in the grain, as soon as the grain's thread is free. Together with <see cref="ReadOnlyAttribute"/>
    /// see there.
    /// </summary>
    [AttributeUsage(AttributeTargets.Method)]
    public sealed class AlwaysInterleaveAttribute : Attribute;

    /// <summary>
    /// Changes nothing, so it interleaves with other such requests. <b>A method marked both with this and with
    /// <see cref="AlwaysInterleaveAttribute"/> promises more: that it reads immutable state only, once.</b> The engine runs it on the
    /// caller's thread, at the same time as anything else in the grain, and, during a deactivation, on the instance that goes.
    /// </summary>
    [AttributeUsage(AttributeTargets.Method)]
    public sealed class ReadOnlyAttribute : Attribute;

    /// <summary>All requests of the class interleave with each other.</summary>
    [AttributeUsage(AttributeTargets.Class)]
    public sealed class ReentrantAttribute : Attribute;

    /// <summary>Has no state of its own, so that each node may have its own instances. Here there is only one node, and one
    /// instance.</summary>
    [AttributeUsage(AttributeTargets.Class)]
    public sealed class StatelessWorkerAttribute : Attribute;

    /// <summary>The caller does not wait and learns of no failure.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    public sealed class OneWayAttribute : Attribute;
}

namespace Orleans.Placement
{
    /// <summary>At which node a grain is to be. Here there is only one.</summary>
    [AttributeUsage(AttributeTargets.Class)]
    public abstract class PlacementAttribute : Attribute
    {
        /// <summary>Names the strategy.</summary>
        protected PlacementAttribute(Runtime.PlacementStrategy placement) => PlacementStrategy = placement;

        /// <summary>How the node is chosen.</summary>
        public Runtime.PlacementStrategy PlacementStrategy { get; }
    }
}

namespace Orleans.Runtime
{
    /// <summary>How the node of a grain is chosen. Here there is only one.</summary>
    public abstract class PlacementStrategy;
}
