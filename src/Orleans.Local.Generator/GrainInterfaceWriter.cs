using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Beadhub.Orleans.Local.Generator;

/// <summary>Writes the reference class of a grain interface: each method packs its arguments and names the way of its call.</summary>
internal static class GrainInterfaceWriter
{
    private const string Tasks = "global::System.Threading.Tasks.";

    public static Generated Write(INamedTypeSymbol type)
    {
        var problems = new List<Problem>();
        if (!Grains.IsReachable(type))
            problems.Add(new(Problem.Access, type,
                $"The grain interface {type.Name} must be public or internal, also the types around it"));

        var name = "Reference_" + Grains.Identifier(type);
        var text = new StringBuilder(Grains.Header)
            .Append("namespace Orleans.Local.Generated\n{\n    internal sealed class ").Append(name)
            .Append("(global::Orleans.Local.GrainClass grainClass, string key)\n        : "
                + "global::Orleans.Local.GrainReference(grainClass, key), ")
            .Append(Grains.PlainName(type)).Append("\n    {\n");
        foreach (var member in type.AllInterfaces.Insert(0, type).SelectMany(one => one.GetMembers()).Where(one => one.IsAbstract))
        {
            // A property or an event is refused as itself, not as its accessors.
            if (member is IMethodSymbol { MethodKind: not MethodKind.Ordinary }) continue;
            if (Refusal(member) is { } refusal) problems.Add(new(Problem.Member, member, refusal));
            else WriteMethod(text, (IMethodSymbol)member);
        }
        text.Append("    }\n}\n");
        return problems.Count > 0
            ? new(name, "", "", problems)
            : new(name, text.ToString(),
                $"registry.AddInterface(typeof({Grains.PlainName(type)}), static (grainClass, key) => new {name}(grainClass, key));",
                problems);
    }

    private static string? Refusal(ISymbol member)
    {
        var name = $"{member.ContainingType.Name}.{member.Name}";
        if (member is not IMethodSymbol method || method.IsStatic) return $"{name}: a grain interface has methods only";
        if (method.IsGenericMethod) return $"{name}: a grain's method cannot be generic";
        if (method.Parameters.Any(one => one.RefKind != RefKind.None || one.Type.IsRefLikeType || one.Type is IPointerTypeSymbol))
            return $"{name}: a grain's method takes its arguments by value";
        if (!IsTask(method.ReturnType)) return $"{name}: a grain's method returns Task, Task<T>, ValueTask or ValueTask<T>";
        if (IsOneWay(method) && Result(method) is not null) return $"{name}: a one-way method has no result";
        return null;
    }

    private static void WriteMethod(StringBuilder text, IMethodSymbol method)
    {
        var owner = Grains.PlainName(method.ContainingType);
        var result = Result(method);
        var isValueTask = method.ReturnType.Name == "ValueTask";
        var parameters = method.Parameters;
        var names = parameters.Select(one => SyntaxFacts.GetKeywordKind(one.Name) == SyntaxKind.None ? one.Name : "@" + one.Name).ToArray();
        var types = parameters.Select(one => Grains.Name(one.Type)).ToArray();

        // One argument travels as it is, several as a tuple.
        var (stateType, state) = parameters.Length switch
        {
            0 => ("byte", "0"),
            1 => (types[0], names[0]),
            _ => ($"({string.Join(", ", types)})", $"({string.Join(", ", names)})"),
        };
        var unpacked = parameters.Length == 1 ? "state" : string.Join(", ", parameters.Select((_, i) => $"state.Item{i + 1}"));
        var call = $"grain.{Escaped(method.Name)}({unpacked}){(isValueTask ? ".AsTask()" : "")}";
        var typeArguments = $"<{owner}, {stateType}{(result is null ? "" : ", " + result)}>";
        var send =
            $"Call{typeArguments}(static (grain, state) => {call}, {state}, (global::Orleans.Local.CallOptions){Options(method)}, "
            + $"{SymbolDisplay.FormatLiteral(method.Name, quote: true)})";
        if (isValueTask) send = $"new {Grains.Name(method.ReturnType)}({send})";

        text.Append("        ").Append(Grains.Name(method.ReturnType)).Append(' ').Append(owner).Append('.').Append(Escaped(method.Name))
            .Append('(')
            .Append(string.Join(", ", types.Zip(names, (t, n) => $"{t} {n}"))).Append(")\n        {\n");
        if (IsReadOnly(method) && Interleaves(method))
        {
            // Immutable state only: on the caller's thread.
            text.Append("            if (ActiveInstance is { } instance__)\n            {\n                try\n                {\n")
                .Append($"                    return (({owner})instance__).{Escaped(method.Name)}({string.Join(", ", names)});\n        "
                    + $"        }}\n")
                .Append("                catch (global::System.Exception exception__)\n                {\n")
                .Append($"                    return "
                    + $"{Tasks}{(isValueTask ? "ValueTask" : "Task")}.FromException{(result is null ? "" : $"<{result}>")}(exception__);\n")
                .Append("                }\n            }\n");
        }
        text.Append("            return ").Append(send).Append(";\n        }\n\n");
    }

    private static int Options(IMethodSymbol method) =>
        (IsReadOnly(method) ? 1 : 0) | (Interleaves(method) ? 2 : 0) | (IsOneWay(method) ? 4 : 0);

    private static bool IsTask(ITypeSymbol type) =>
        type.Name is "Task" or "ValueTask" && type.ContainingNamespace.ToDisplayString() == "System.Threading.Tasks";

    private static string? Result(IMethodSymbol method) =>
        method.ReturnType is INamedTypeSymbol { TypeArguments.Length: 1 } type ? Grains.Name(type.TypeArguments[0]) : null;

    private static bool IsReadOnly(ISymbol method) => Grains.Has(method, "Orleans.Concurrency", "ReadOnly");

    private static bool Interleaves(ISymbol method) => Grains.Has(method, "Orleans.Concurrency", "AlwaysInterleave");

    private static bool IsOneWay(ISymbol method) => Grains.Has(method, "Orleans.Concurrency", "OneWay");

    private static string Escaped(string name) => SyntaxFacts.GetKeywordKind(name) == SyntaxKind.None ? name : "@" + name;
}
