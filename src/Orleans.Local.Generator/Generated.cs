using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace Beadhub.Orleans.Local.Generator;

/// <summary>What comes of one type. Compared by value, so that an unrelated edit writes nothing anew.</summary>
internal sealed class Generated(string name, string source, string registration, IReadOnlyList<Problem> problems) : IEquatable<Generated>
{
    /// <summary>File name without extension.</summary>
    public string Name { get; } = name;

    /// <summary>Source text, possibly empty.</summary>
    public string Source { get; } = source;

    /// <summary>Statement for the manifest, empty when the type is refused.</summary>
    public string Registration { get; } = registration;

    /// <summary>Why the type is refused.</summary>
    public IReadOnlyList<Problem> Problems { get; } = problems;

    public bool Equals(Generated? other) => other is not null && Name == other.Name && Source == other.Source
        && Registration == other.Registration && Problems.SequenceEqual(other.Problems);

    public override bool Equals(object? obj) => Equals(obj as Generated);

    public override int GetHashCode() => Name.GetHashCode() ^ Source.GetHashCode();
}

/// <summary>Something that the engine does not support, and where.</summary>
internal readonly struct Problem(DiagnosticDescriptor descriptor, ISymbol symbol, string text) : IEquatable<Problem>
{
    /// <summary>A member of a grain interface that cannot be called through a reference.</summary>
    public static readonly DiagnosticDescriptor Member = new(
        "GRAIN001", "Unsupported member of a grain interface", "{0}", "Grains", DiagnosticSeverity.Error, isEnabledByDefault: true);

    /// <summary>A type that generated code cannot name.</summary>
    public static readonly DiagnosticDescriptor Access = new(
        "GRAIN002", "Inaccessible grain type", "{0}", "Grains", DiagnosticSeverity.Error, isEnabledByDefault: true);

    private readonly DiagnosticDescriptor _descriptor = descriptor;
    private readonly string _text = text;
    private readonly string _path = symbol.Locations.FirstOrDefault()?.SourceTree?.FilePath ?? "";
    private readonly TextSpan _span = symbol.Locations.FirstOrDefault()?.SourceSpan ?? default;
    private readonly LinePositionSpan _lines = symbol.Locations.FirstOrDefault()?.GetLineSpan().Span ?? default;

    public Diagnostic ToDiagnostic() => Diagnostic.Create(_descriptor, Location.Create(_path, _span, _lines), _text);

    public bool Equals(Problem other) => _text == other._text && _path == other._path && _span == other._span;

    public override bool Equals(object? obj) => obj is Problem other && Equals(other);

    public override int GetHashCode() => _text.GetHashCode();
}
