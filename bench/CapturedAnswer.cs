namespace Beadhub.Bench;

/// <summary>A real answer of the server, for the reference app to repeat at the same path.</summary>
internal sealed record CapturedAnswer(string Path, string? ContentType, byte[] Body);
