using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.History;

namespace Beadhub.Remotes;

/// <summary>
/// Objects that travel together: a JSON array of their texts. Its name is the SHA-256 of its bytes; objects have no names in it, whoever
/// reads it computes them, so that nothing can be sent under another's name.
/// </summary>
public sealed class Pack
{
    /// <summary>Bytes after which a pack is closed. Only one large object makes it longer.</summary>
    public const int Full = 1024 * 1024;

    /// <summary>Longest pack that is read, in bytes: the longest object, and every character of it escaped.</summary>
    public const int Longest = 12 * 1024 * 1024;

    private readonly byte[] _bytes;

    private Pack(byte[] bytes, ImmutableArray<string> objects)
    {
        _bytes = bytes;
        Objects = objects;
        Name = Convert.ToHexStringLower(SHA256.HashData(bytes));
    }

    /// <summary>SHA-256 of the bytes, in hexadecimal digits.</summary>
    public string Name { get; }

    /// <summary>The objects' texts.</summary>
    public ImmutableArray<string> Objects { get; }

    /// <summary>What is stored and sent.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes;

    /// <summary>A pack of these objects.</summary>
    public static Pack Of(ImmutableArray<string> objects) =>
        new(JsonSerializer.SerializeToUtf8Bytes(objects, PackJson.Default.ImmutableArrayString), objects);

    /// <summary>Objects in packs, in their order.</summary>
    public static async IAsyncEnumerable<Pack> Fill(IAsyncEnumerable<string> objects)
    {
        var (part, size) = (ImmutableArray.CreateBuilder<string>(), 0);
        await foreach (var text in objects)
        {
            var length = Encoding.UTF8.GetByteCount(text) + 3;
            if (part.Count > 0 && size + length > Full)
            {
                yield return Of(part.ToImmutable());
                (part, size) = (ImmutableArray.CreateBuilder<string>(), 0);
            }

            part.Add(text);
            size += length;
        }

        if (part.Count > 0) yield return Of(part.ToImmutable());
    }

    /// <summary>Reads a pack.</summary>
    /// <exception cref="RemoteException">It is none.</exception>
    public static Pack Read(byte[] bytes)
    {
        try
        {
            var objects = JsonSerializer.Deserialize(bytes, PackJson.Default.ImmutableArrayString);
            return objects.IsDefault || objects.Any(static text => text is null) ? throw Damaged() : new(bytes, objects);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw Damaged();
        }

        static RemoteException Damaged() => new("the remote sent a pack that cannot be read", RemoteFault.Damaged);
    }

    /// <summary>The objects by their names.</summary>
    public IEnumerable<(ObjectHash Name, string Text)> Named() => Objects.Select(static text => (ObjectHash.Of(text), text));
}

[JsonSerializable(typeof(ImmutableArray<string>))]
[JsonSerializable(typeof(Manifest))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
internal sealed partial class PackJson : JsonSerializerContext;
