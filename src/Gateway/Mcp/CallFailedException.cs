namespace Beadhub.Gateway.Mcp;

/// <summary>Ends a call with a JSON-RPC error.</summary>
/// <param name="code">A code of JSON-RPC, or an HTTP status.</param>
/// <param name="message">What is wrong.</param>
/// <param name="data">More about it, as JSON.</param>
internal sealed class CallFailedException(int code, string message, ReadOnlyMemory<byte>? data = null) : Exception(message)
{
    public int Code { get; } = code;

    public new ReadOnlyMemory<byte>? Data { get; } = data;
}
