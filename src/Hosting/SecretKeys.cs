using System.Collections.Immutable;
using System.Security.Cryptography;
using Beadhub.Identities;
using Beadhub.Hosting.EventLogs;

namespace Beadhub.Hosting;

/// <summary>
/// The key under which secrets are sealed: the operator's, else, for a log in a SQLite file, one that the server makes and keeps beside the
/// file. In a PostgreSQL that several nodes share there is no place for one that would not be beside what it protects: without the
/// operator's key nothing is sealed there, and the server says so at its start.
/// </summary>
internal static partial class SecretKeys
{
    /// <summary>The seal that these settings give. Makes the key's file when there is none.</summary>
    /// <exception cref="SettingsException">The key's file holds no key.</exception>
    public static Seal Seal(Settings settings, ILogger logger)
    {
        var file = DatabaseUrl.Parse(settings.DatabaseUrl).SqlitePath is { } path ? FileFor(path) : null;
        if (settings.SecretKey is not null)
            return new(settings.SecretKey, holdsSeeds: true,
                [.. settings.OlderSecretKeys, .. file is not null && File.Exists(file) ? [Read(file)] : ImmutableArray<byte[]>.Empty]);
        if (file is not null) return new(ReadOrMake(file), holdsSeeds: false);
        LogNoKey(logger);
        return Identities.Seal.None;
    }

    /// <summary>Where the key of a log in a file is: beside it, with the file's own name, wherever links lead to it.</summary>
    public static string FileFor(string database) =>
        ((File.Exists(database) ? File.ResolveLinkTarget(database, returnFinalTarget: true)?.FullName : null) ?? database) + ".key";

    private static byte[] ReadOrMake(string file)
    {
        if (File.Exists(file)) return Read(file);
        var made = $"{file}.{Environment.ProcessId}";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var stream = new FileStream(made, options))
        {
            stream.Write(System.Text.Encoding.ASCII.GetBytes(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)) + "\n"));
            stream.Flush(flushToDisk: true);
        }

        try
        {
            // Whole or not at all, and never over another one.
            File.Move(made, file, overwrite: false);
        }
        catch (IOException) when (File.Exists(file))
        {
            File.Delete(made);
        }

        return Read(file);
    }

    private static byte[] Read(string file)
    {
        var text = File.ReadAllText(file).Trim();
        return text.Length == 64 && text.All(char.IsAsciiHexDigit)
            ? Convert.FromHexString(text)
            : throw new SettingsException(
                $"{file} does not hold a key of 64 hexadecimal digits. Bring back the file that was there; without it the secrets of "
                + $"webhooks cannot be opened, and they are to be registered again");
    }

    [LoggerMessage(Level = LogLevel.Warning,
        Message =
        "BEADHUB_SECRET_KEY is not set: secrets of webhooks and recorded answers that hold keys are kept in the database as they are, the "
        + "server keeps no agent's signing key and gives no stream tickets. Make a key with: openssl rand -hex 32")]
    private static partial void LogNoKey(ILogger logger);
}
