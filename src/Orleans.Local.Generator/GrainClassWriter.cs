using Microsoft.CodeAnalysis;

namespace Beadhub.Orleans.Local.Generator;

/// <summary>Writes the registration of a grain class, with its constructor call where that needs no choice.</summary>
internal static class GrainClassWriter
{
    public static Generated? Write(INamedTypeSymbol type)
    {
        var name = Grains.Identifier(type);
        if (!Grains.IsReachable(type))
            return new(name, "", "",
                [new(Problem.Access, type, $"The grain class {type.Name} must be public or internal, also the types around it")]);
        var reentrant = Grains.Has(type, "Orleans.Concurrency", "Reentrant") ? "true" : "false";
        var interfaces = string.Join(", ", type.AllInterfaces.Where(Grains.IsInterface).Select(one => $"typeof({Grains.PlainName(one)})"));
        return new(name, "", $"registry.AddClass(typeof({Grains.PlainName(type)}), {reentrant}, {Creation(type)}, {interfaces});", []);
    }

    /// <summary>A plain constructor call starts faster than one found by reflection; what it does not cover is left to the
    /// latter.</summary>
    private static string Creation(INamedTypeSymbol type)
    {
        if (type.InstanceConstructors.Length != 1
            || type.InstanceConstructors[0] is not { DeclaredAccessibility: Accessibility.Public } constructor
            || constructor.Parameters.Any(one => one.HasExplicitDefaultValue || one.RefKind != RefKind.None
                || one.GetAttributes().Length > 0
                || one.Type.IsValueType)
            || type.GetMembers().Any(one => one is IPropertySymbol { IsRequired: true }
                or IFieldSymbol { IsRequired: true })) return "null";
        var arguments = constructor.Parameters.Select(one =>
            $"global::Microsoft.Extensions.DependencyInjection.ServiceProviderServiceExtensions"
            + $".GetRequiredService<{Grains.PlainName(one.Type)}>(services)");
        return $"static services => new {Grains.PlainName(type)}({string.Join(", ", arguments)})";
    }
}
