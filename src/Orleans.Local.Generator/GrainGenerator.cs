using System.Collections.Immutable;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Beadhub.Orleans.Local.Generator;

/// <summary>
/// Writes a reference class for every grain interface, and a manifest of the assembly's grain interfaces and grain classes, so that
/// the engine calls grains and finds them without reflection.
/// </summary>
[Generator(LanguageNames.CSharp)]
public sealed class GrainGenerator : IIncrementalGenerator
{
    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        var interfaces = context.SyntaxProvider.CreateSyntaxProvider(
            static (node, _) => node is InterfaceDeclarationSyntax { BaseList: not null, TypeParameterList: null },
            static (syntax, cancellation) => Declared(syntax, cancellation) is { } type && Grains.IsInterface(type)
                ? GrainInterfaceWriter.Write(type)
                : null);
        var classes = context.SyntaxProvider.CreateSyntaxProvider(
            static (node, _) => node is ClassDeclarationSyntax { BaseList: not null, TypeParameterList: null },
            static (syntax, cancellation) => Declared(syntax, cancellation) is { } type && Grains.IsClass(type)
                ? GrainClassWriter.Write(type)
                : null);

        context.RegisterSourceOutput(interfaces, Emit);
        context.RegisterSourceOutput(classes, Emit);
        context.RegisterSourceOutput(
            interfaces.Collect().Combine(classes.Collect())
                .Combine(context.CompilationProvider.Select(static (c, _) => c.AssemblyName ?? "")),
            static (output, all) => EmitManifest(output, all.Left.Left, all.Left.Right, all.Right));
    }

    /// <summary>The type that the node declares; null for the further parts of a partial type.</summary>
    private static INamedTypeSymbol? Declared(GeneratorSyntaxContext syntax, CancellationToken cancellation)
    {
        if (syntax.SemanticModel.GetDeclaredSymbol((TypeDeclarationSyntax)syntax.Node, cancellation) is not { } type) return null;
        var first = type.DeclaringSyntaxReferences.First(one =>
            one.GetSyntax(cancellation) is TypeDeclarationSyntax { BaseList: not null });
        return first.Span == syntax.Node.Span && first.SyntaxTree == syntax.Node.SyntaxTree ? type : null;
    }

    private static void Emit(SourceProductionContext output, Generated? one)
    {
        if (one is null) return;
        foreach (var problem in one.Problems) output.ReportDiagnostic(problem.ToDiagnostic());
        if (one.Source.Length > 0) output.AddSource(one.Name + ".g.cs", one.Source);
    }

    private static void EmitManifest(
        SourceProductionContext output, ImmutableArray<Generated?> interfaces, ImmutableArray<Generated?> classes, string assembly)
    {
        var registrations = interfaces.Concat(classes).OfType<Generated>().Select(one => one.Registration)
            .Where(text => text.Length > 0).OrderBy(text => text, StringComparer.Ordinal).ToArray();
        if (registrations.Length == 0) return;
        var name = "Manifest_" + Grains.Identifier(assembly);
        var text = new StringBuilder(Grains.Header)
            .Append("[assembly: global::Orleans.Local.GrainManifest(typeof(global::Orleans.Local.Generated.").Append(name).Append("))]\n\n")
            .Append("namespace Orleans.Local.Generated\n{\n    internal sealed class ").Append(name)
            .Append(" : global::Orleans.Local.IGrainManifest\n    {\n")
            .Append("        public void Register(global::Orleans.Local.IGrainRegistry registry)\n        {\n");
        foreach (var registration in registrations) text.Append("            ").Append(registration).Append('\n');
        output.AddSource("Manifest.g.cs", text.Append("        }\n    }\n}\n").ToString());
    }
}
