using System.ComponentModel;

namespace Orleans.Local;

/// <summary>Names the generated type that lists an assembly's grain interfaces and grain classes.</summary>
[AttributeUsage(AttributeTargets.Assembly)]
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class GrainManifestAttribute(Type manifest) : Attribute
{
    /// <summary>An <see cref="IGrainManifest"/> with a parameterless constructor.</summary>
    public Type Manifest { get; } = manifest;
}

/// <summary>What the generator knows of an assembly.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public interface IGrainManifest
{
    /// <summary>Tells the engine all of it.</summary>
    void Register(IGrainRegistry registry);
}

/// <summary>Takes what manifests know.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public interface IGrainRegistry
{
    /// <summary>A grain interface and how to make a reference to a grain through it.</summary>
    void AddInterface(Type type, Func<GrainClass, string, GrainReference> reference);

    /// <summary>A grain class, how to make an instance (null: from its constructor by reflection) and the grain interfaces it
    /// implements.</summary>
    void AddClass(Type type, bool reentrant, Func<IServiceProvider, Grain>? create, params Type[] interfaces);
}
