namespace Orleans.Runtime;

/// <summary>Identity of a stream: a namespace and a key. A stream always exists.</summary>
public readonly struct StreamId : IEquatable<StreamId>
{
    private readonly string _namespace;
    private readonly string _key;

    private StreamId(string ns, string key)
    {
        _namespace = ns;
        _key = key;
    }

    /// <summary>The stream of that namespace and key.</summary>
    public static StreamId Create(string ns, string key)
    {
        ArgumentNullException.ThrowIfNull(ns);
        ArgumentException.ThrowIfNullOrEmpty(key);
        return new(ns, key);
    }

    /// <summary>The key.</summary>
    public string GetKeyAsString() => _key;

    /// <summary>The namespace.</summary>
    public string GetNamespace() => _namespace;

    /// <inheritdoc/>
    public bool Equals(StreamId other) => _key == other._key && _namespace == other._namespace;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is StreamId other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_key, _namespace);

    /// <inheritdoc/>
    public override string ToString() => $"{_namespace}/{_key}";

    /// <summary>Whether both name the same stream.</summary>
    public static bool operator ==(StreamId left, StreamId right) => left.Equals(right);

    /// <summary>Whether they name different streams.</summary>
    public static bool operator !=(StreamId left, StreamId right) => !left.Equals(right);
}
