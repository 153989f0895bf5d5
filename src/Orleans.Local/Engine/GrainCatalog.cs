using System.Collections.Frozen;
using System.Reflection;

namespace Orleans.Local;

/// <summary>Reads the manifests of assemblies.</summary>
internal sealed class GrainCatalog(LocalCluster cluster) : IGrainRegistry
{
    private readonly Dictionary<Type, Func<GrainClass, string, GrainReference>> _references = [];
    private readonly Dictionary<Type, List<GrainClass>> _implementations = [];
    private readonly List<GrainClass> _classes = [];
    private readonly HashSet<Assembly> _seen = [];

    public (FrozenDictionary<Type, GrainInterface> Interfaces, GrainClass[] Classes) Read(Assembly[] assemblies)
    {
        foreach (var assembly in assemblies)
        {
            if (!Add(assembly))
                throw new InvalidOperationException(
                    $"{assembly.GetName().Name} has no grains: its project must use the generator (ClusterEngine.props).");
        }
        // The interfaces usually live in an assembly of their own, which nobody has to name.
        foreach (var type in _implementations.Keys.ToArray()) Add(type.Assembly);
        var interfaces = _references
            .Where(pair => _implementations.ContainsKey(pair.Key))
            .ToFrozenDictionary(pair => pair.Key, pair => new GrainInterface(pair.Key, pair.Value, [.. _implementations[pair.Key]]));
        return (interfaces, [.. _classes]);
    }

    public void AddInterface(Type type, Func<GrainClass, string, GrainReference> reference) => _references[type] = reference;

    public void AddClass(Type type, bool reentrant, Func<IServiceProvider, Grain>? create, params Type[] interfaces)
    {
        var grainClass = new GrainClass(cluster, type, reentrant, create);
        _classes.Add(grainClass);
        foreach (var implemented in interfaces)
        {
            if (!_implementations.TryGetValue(implemented, out var classes)) _implementations[implemented] = classes = [];
            classes.Add(grainClass);
        }
    }

    private bool Add(Assembly assembly)
    {
        if (assembly.GetCustomAttribute<GrainManifestAttribute>() is not { } attribute) return false;
        if (_seen.Add(assembly)) ((IGrainManifest)Activator.CreateInstance(attribute.Manifest, nonPublic: true)!).Register(this);
        return true;
    }
}

/// <summary>A grain interface: how references are made and which classes implement it.</summary>
internal sealed class GrainInterface(Type type, Func<GrainClass, string, GrainReference> reference, GrainClass[] classes)
{
    public Func<GrainClass, string, GrainReference> Reference => reference;

    public GrainClass Class(string? namePrefix) => namePrefix is null && classes.Length == 1 ? classes[0] : Named(namePrefix ?? "");

    private GrainClass Named(string prefix)
    {
        var named = classes.Where(one => one.Type.FullName!.StartsWith(prefix, StringComparison.Ordinal)).ToArray();
        return named.Length == 1 ? named[0] : throw new ArgumentException(
            $"{named.Length} of the grain classes that implement {type} have names that start with '{prefix}': "
            + string.Join(", ", classes.Select(one => one.Type.FullName)));
    }
}
