using System.Buffers.Binary;

namespace Beadhub.Silo.Tests.Operations;

/// <summary>A message of Protocol Buffers, read without its schema: fields by number.</summary>
internal sealed class ProtobufReader
{
    private readonly List<(int Field, ulong Number, ReadOnlyMemory<byte> Bytes)> _fields = [];

    public ProtobufReader(ReadOnlyMemory<byte> message)
    {
        var at = 0;
        var span = message.Span;
        while (at < span.Length)
        {
            var tag = Varint(span, ref at);
            var field = (int)(tag >> 3);
            switch (tag & 7)
            {
                case 0:
                    _fields.Add((field, Varint(span, ref at), default));
                    break;
                case 1:
                    _fields.Add((field, BinaryPrimitives.ReadUInt64LittleEndian(span[at..]), default));
                    at += 8;
                    break;
                case 2:
                    var length = (int)Varint(span, ref at);
                    _fields.Add((field, 0, message.Slice(at, length)));
                    at += length;
                    break;
                case 5:
                    _fields.Add((field, BinaryPrimitives.ReadUInt32LittleEndian(span[at..]), default));
                    at += 4;
                    break;
                default:
                    throw new FormatException("No such wire type.");
            }
        }
    }

    /// <summary>The messages of a repeated field.</summary>
    public IEnumerable<ProtobufReader> Messages(int field) =>
        _fields.Where(one => one.Field == field).Select(one => new ProtobufReader(one.Bytes));

    /// <summary>The bytes of a field; none when it is absent.</summary>
    public ReadOnlyMemory<byte> Bytes(int field) => _fields.LastOrDefault(one => one.Field == field).Bytes;

    /// <summary>The text of a field.</summary>
    public string Text(int field) => System.Text.Encoding.UTF8.GetString(Bytes(field).Span);

    /// <summary>The bytes of a field in hexadecimal digits.</summary>
    public string Hex(int field) => Convert.ToHexStringLower(Bytes(field).Span);

    private static ulong Varint(ReadOnlySpan<byte> span, ref int at)
    {
        var value = 0UL;
        for (var shift = 0; ; shift += 7)
        {
            var next = span[at++];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }
    }
}
