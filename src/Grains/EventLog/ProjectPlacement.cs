using System.Reflection;
using Orleans;
using Orleans.Placement;
using Orleans.Runtime;

namespace Beadhub.EventLog;

/// <summary>
/// The grains of a project live together: at the node that owns it, where they answer from memory, or while it is nobody's at the one that
/// all nodes choose alike. The instance's own grains are those of one more project.
/// </summary>
[GenerateSerializer, Immutable, Alias("beadhub.project_placement")]
public sealed class ProjectPlacement : PlacementStrategy
{
    private static readonly MethodInfo OfState =
        typeof(ProjectPlacement).GetMethod(nameof(KeysOf), BindingFlags.NonPublic | BindingFlags.Static)!;

    /// <summary>How the project follows from the key of a grain of a class.</summary>
    public static Func<string, string> ProjectOf(Type grain)
    {
        for (var type = grain; type is not null; type = type.BaseType)
            if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(EventSourcedGrain<>))
                return (Func<string, string>)OfState.MakeGenericMethod(type.GenericTypeArguments).Invoke(null, null)!;
        return static key => key.IndexOf('/') is > 0 and var end ? key[..end] : key;
    }

    private static Func<string, string> KeysOf<TState>() where TState : class, IEventSourced<TState> => TState.Kind.ProjectOf;
}

/// <summary>Places grains of a class by <see cref="ProjectPlacement"/>.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class ProjectPlacementAttribute() : PlacementAttribute(new ProjectPlacement());
