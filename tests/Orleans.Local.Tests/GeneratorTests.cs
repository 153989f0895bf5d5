using Beadhub.Orleans.Local.Generator;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Beadhub.Orleans.Local.Tests;

public sealed class GeneratorTests
{
    private static readonly MetadataReference[] Platform = [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
        .Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path))];

    [Theory]
    [InlineData("void Do();", "returns Task")]
    [InlineData("int Do();", "returns Task")]
    [InlineData("IAsyncEnumerable<int> Do();", "returns Task")]
    [InlineData("Task Do<T>();", "generic")]
    [InlineData("Task Do(ref int n);", "by value")]
    [InlineData("Task Do(ReadOnlySpan<int> n);", "by value")]
    [InlineData("int Count { get; }", "methods only")]
    [InlineData("event Action Done;", "methods only")]
    [InlineData("[OneWay] Task<int> Do();", "one-way")]
    public void What_a_reference_cannot_call_is_an_error(string member, string message)
    {
        var problem = Generate($"public interface IThing : IGrainWithStringKey {{ {member} }}").Problems.ShouldHaveSingleItem();
        problem.Id.ShouldBe("GRAIN001");
        problem.GetMessage().ShouldContain(message);
        problem.Location.GetLineSpan().Path.ShouldBe("Source.cs");
    }

    [Theory]
    [InlineData("class Outer { private interface IThing : IGrainWithStringKey; }")]
    [InlineData("public interface IThing : IGrainWithStringKey; class Outer { private class Thing : Grain, IThing; }")]
    public void A_type_that_generated_code_cannot_name_is_an_error(string source) =>
        Generate(source).Problems.ShouldHaveSingleItem().Id.ShouldBe("GRAIN002");

    [Theory]
    [InlineData(
        "public partial interface IThing : IGrainWithStringKey { Task A(); } public partial interface IThing : IGrain { Task B(); }")]
    [InlineData(
        "public interface IBase<T> : IGrainWithStringKey { Task<T?> Get(); } public interface IThing : IBase<string> { new "
        + "Task<int> Get(); }")]
    [InlineData("public interface IThing : IGrainWithStringKey { Task A() => B(); Task B(); static int C => 1; }")]
    [InlineData(
        "class Outer { internal interface IThing : IGrainWithStringKey { Task @class(string? @int, (int A, int? B) key); } internal "
        + "class Thing(TimeProvider time, int n = 1) : Grain, IThing { public Task @class(string? @int, (int A, int? B) key) => "
        + "Task.FromResult((time, n)); } }")]
    [InlineData(
        "public interface IThing : IGrainWithStringKey { [ReadOnly, AlwaysInterleave] Task<int[]?> A(); [ReadOnly, AlwaysInterleave] "
        + "ValueTask B(); [ReadOnly, AlwaysInterleave] Task C(); }")]
    [InlineData(
        "public interface IThing : IGrainWithStringKey; abstract class Base<T> : Grain, IThing; class Thing : Base<int>; class "
        + "Open<T> : Base<T>;")]
    public void What_is_supported_compiles(string source)
    {
        var (problems, compilation) = Generate(source);
        problems.ShouldBeEmpty();
        compilation.SyntaxTrees.Select(tree => tree.ToString()).ShouldContain(text => text.Contains("GrainManifest"));
        compilation.GetDiagnostics(TestContext.Current.CancellationToken).Where(one => one.Severity >= DiagnosticSeverity.Warning)
            .ShouldBeEmpty();
    }

    private static (IReadOnlyList<Diagnostic> Problems, Compilation Compilation) Generate(string source)
    {
        const string usings =
            "#nullable enable\nusing System; using System.Collections.Generic; using System.Threading.Tasks; using Orleans; using "
            + "Orleans.Concurrency;\n";
        var parse = new CSharpParseOptions(LanguageVersion.Latest);
        var compilation = CSharpCompilation.Create(
            "Some.Grains",
            [CSharpSyntaxTree.ParseText(usings + source, parse, "Source.cs", cancellationToken: TestContext.Current.CancellationToken)],
            Platform,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable));
        CSharpGeneratorDriver.Create([new GrainGenerator().AsSourceGenerator()], parseOptions: parse)
            .RunGeneratorsAndUpdateCompilation(compilation, out var output, out var problems, TestContext.Current.CancellationToken);
        return (problems, output);
    }
}
