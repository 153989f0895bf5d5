namespace Beadhub.Hosting.EventLogs;

/// <summary>The scripts and statements in the <c>.sql</c> files beside the two stores.</summary>
internal static class EmbeddedSql
{
    /// <summary>The text of a file: <c>postgres.schema</c>, say.</summary>
    public static string Of(string name)
    {
        using var stream = typeof(EmbeddedSql).Assembly.GetManifestResourceStream(name + ".sql")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
