using System.Collections.Immutable;
using System.Reflection;
using Orleans;

namespace Beadhub.Grains.Tests.Boundary;

/// <summary>
/// What may cross a grain boundary, so that the real packages serialize it, a mixed cluster understands it, and nobody changes it after it
/// was sent. Finds everything that is reached from the interfaces and types that it is shown, and collects what breaks the rules.
/// </summary>
internal sealed class BoundaryRules
{
    private static readonly HashSet<Type> Leaves =
    [
        typeof(bool), typeof(byte), typeof(short), typeof(int), typeof(long), typeof(uint), typeof(ulong), typeof(float), typeof(double),
        typeof(decimal), typeof(char),
        typeof(string), typeof(Guid), typeof(DateTimeOffset), typeof(TimeSpan),
    ];

    private static readonly HashSet<Type> Containers =
    [
        typeof(Nullable<>), typeof(ImmutableArray<>), typeof(ImmutableList<>), typeof(ImmutableHashSet<>), typeof(ImmutableSortedSet<>),
        typeof(ImmutableDictionary<,>),
        typeof(ImmutableSortedDictionary<,>), typeof(ImmutableQueue<>), typeof(ImmutableStack<>),
    ];

    private static readonly HashSet<Type> Results = [typeof(Task<>), typeof(ValueTask<>), typeof(IAsyncEnumerable<>)];

    private readonly HashSet<Type> _seen = [];
    private readonly Dictionary<string, Type> _aliases = new(StringComparer.Ordinal);

    /// <summary>What breaks the rules, one sentence each.</summary>
    public List<string> Violations { get; } = [];

    /// <summary>Everything that crosses, except leaves and containers.</summary>
    public IReadOnlyCollection<Type> Seen => _seen;

    /// <summary>Looks at a grain interface, its methods, and all that goes through them.</summary>
    public void Interface(Type grain)
    {
        Alias(grain);
        var methods = grain.GetMethods(BindingFlags.Public | BindingFlags.Instance);
        foreach (var method in methods)
        {
            var name = $"{grain.Name}.{method.Name}";
            if (method.IsGenericMethodDefinition) Violations.Add($"{name} is generic");
            if (methods.Count(other => other.Name == method.Name) > 1 && method.GetCustomAttribute<AliasAttribute>() is null)
                Violations.Add($"{name} is overloaded and has no alias");
            var result = method.ReturnType;
            if (result.IsGenericType && Results.Contains(result.GetGenericTypeDefinition())) Value(result.GetGenericArguments()[0], name);
            else if (result != typeof(Task) && result != typeof(ValueTask))
                Violations.Add($"{name} returns {Show(result)}, which nobody can await");
            foreach (var parameter in method.GetParameters())
            {
                if (parameter.ParameterType.IsByRef) Violations.Add($"{name} passes {parameter.Name} by reference");
                else if (parameter.ParameterType != typeof(CancellationToken)) Value(parameter.ParameterType, name);
            }
        }
    }

    /// <summary>Looks at the type of a value that crosses, and at what it is made of.</summary>
    public void Value(Type type, string where)
    {
        if (Leaves.Contains(type) || type.IsEnum) return;
        if (type.IsGenericType && Containers.Contains(type.GetGenericTypeDefinition()))
        {
            foreach (var argument in type.GetGenericArguments()) Value(argument, where);
            return;
        }

        if (type.IsArray || type.IsInterface || type.IsGenericType || type.Namespace is null or "System"
            || type.Namespace.StartsWith("System.", StringComparison.Ordinal))
        {
            Violations.Add($"{where} carries {Show(type)}, which is not serializable or can be changed");
            return;
        }

        if (!_seen.Add(type)) return;
        var exception = typeof(Exception).IsAssignableFrom(type);
        if (!type.IsDefined(typeof(GenerateSerializerAttribute), inherit: false)) Violations.Add($"{type.Name} has no serializer");
        if (!exception && !type.IsDefined(typeof(ImmutableAttribute), inherit: false))
            Violations.Add($"{type.Name} is not marked immutable");
        // A type of which others derive is as many types as there may ever be.
        if (!exception && type is { IsValueType: false, IsSealed: false }) Violations.Add($"{type.Name} is not sealed");
        Alias(type);
        Members(type);
        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType) && parent != typeof(Exception))
            Value(parent, type.Name);
    }

    private void Members(Type type)
    {
        var ids = new Dictionary<uint, string>();
        foreach (var field in type
            .GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
        {
            var property = BehindProperty(type, field);
            var name = $"{type.Name}.{property?.Name ?? field.Name}";
            var id = (property as MemberInfo ?? field).GetCustomAttribute<IdAttribute>()?.Id;
            if (id is null) Violations.Add($"{name} has no id, and is lost on the way");
            else if (!ids.TryAdd(id.Value, name)) Violations.Add($"{name} has the id of {ids[id.Value]}");
            var changes = property is null ? !field.IsInitOnly : property.SetMethod is { } set && !IsInitOnly(set);
            if (changes) Violations.Add($"{name} can be changed");
            Value(field.FieldType, name);
        }

        foreach (var property in type
            .GetProperties(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            if (property.IsDefined(typeof(IdAttribute)) && BackingField(type, property) is null)
                Violations.Add($"{type.Name}.{property.Name} has an id and keeps nothing");
    }

    private void Alias(Type type)
    {
        var alias = type.GetCustomAttribute<AliasAttribute>(inherit: false)?.Alias;
        if (string.IsNullOrWhiteSpace(alias)) Violations.Add($"{type.Name} has no alias");
        else if (!_aliases.TryAdd(alias, type)) Violations.Add($"{type.Name} has the alias of {_aliases[alias].Name}");
    }

    private static PropertyInfo? BehindProperty(Type type, FieldInfo field) =>
        type.GetProperties(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
            .FirstOrDefault(property => field.Name == BackingFieldOf(property));

    private static FieldInfo? BackingField(Type type, PropertyInfo property) =>
        type.GetField(BackingFieldOf(property), BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.DeclaredOnly);

    private static string BackingFieldOf(PropertyInfo property) => $"<{property.Name}>k__BackingField";

    private static bool IsInitOnly(MethodInfo set) =>
        set.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(System.Runtime.CompilerServices.IsExternalInit));

    private static string Show(Type type) =>
        type.IsGenericType ? $"{type.Name[..type.Name.IndexOf('`')]}<{string.Join(", ", type.GetGenericArguments().Select(Show))}>"
            : type.Name;
}
