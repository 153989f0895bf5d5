namespace Beadhub;

/// <summary>Encrypts texts under the server's secret: whoever gets one can neither read nor change it, and hands it back.</summary>
public interface ITextSeal
{
    /// <summary>Encrypts a text; null without a secret that all nodes share.</summary>
    string? CloseText(string text);

    /// <summary>Decrypts a text; null when this server has not encrypted it.</summary>
    string? OpenText(string sealedText);
}
