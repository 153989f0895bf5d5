using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Beadhub.Policies;

namespace Beadhub.Hosting.Defaults;

/// <summary>
/// The policy that projects start with: the Markdown files in <c>invariants</c> and <c>roles</c>, built in or in a folder of the
/// operator's, in the order of their names (contract 10.2).
/// </summary>
internal sealed class DefaultPolicy : IDefaultPolicy
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly string? _directory;
    private volatile string _bundle;

    private DefaultPolicy(string? directory, string bundle) => (_directory, _bundle) = (directory, bundle);

    /// <inheritdoc/>
    public string Bundle => _bundle;

    /// <exception cref="SettingsException">A file is missing or is not what it must be.</exception>
    public static DefaultPolicy Load(string? directory) => new(directory, Read(directory));

    /// <inheritdoc/>
    public string Reload()
    {
        if (_directory is null) return _bundle;
        try
        {
            return _bundle = Read(_directory);
        }
        catch (SettingsException wrong)
        {
            throw new UnavailableException(wrong.Message, wrong);
        }
    }

    private static string Read(string? directory)
    {
        var invariants = Parts(directory, "invariants");
        var roles = Parts(directory, "roles");
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteStartArray("invariants");
            foreach (var part in invariants)
            {
                json.WriteStartObject();
                json.WriteString("id", part.Id);
                json.WriteString("title", part.Title);
                json.WriteString("body_md", part.Body);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartObject("roles");
            foreach (var part in roles)
            {
                json.WriteStartObject(part.Id);
                json.WriteString("title", part.Title);
                json.WriteString("playbook_md", part.Body);
                json.WriteEndObject();
            }

            json.WriteEndObject();
            json.WriteStartObject("adapters");
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static List<FrontMatter> Parts(string? directory, string kind)
    {
        var parts = new List<FrontMatter>();
        foreach (var (name, text) in (directory is null ? BuiltIn(kind) : InFolder(Path.Combine(directory, kind)))
            .OrderBy(file => file.Name, StringComparer.Ordinal))
        {
            try
            {
                var part = FrontMatter.Parse(text());
                if (part.Id.Contains('\0') || part.Title.Contains('\0') || part.Body.Contains('\0'))
                    throw new FormatException("contains NUL characters");
                if (parts.Any(other => other.Id == part.Id)) throw new FormatException($"has the id {part.Id}, which another file has too");
                parts.Add(part);
            }
            catch (Exception wrong) when (wrong is FormatException or DecoderFallbackException or IOException
                or UnauthorizedAccessException)
            {
                throw new SettingsException($"The default policy cannot be loaded: {name} {wrong.Message}");
            }
        }

        return parts.Count > 0 ? parts
            : throw new SettingsException($"The default policy cannot be loaded: no .md file in {Path.Combine(directory ?? "", kind)}");
    }

    private static IEnumerable<(string Name, Func<string> Text)> BuiltIn(string kind)
    {
        var assembly = typeof(DefaultPolicy).Assembly;
        return assembly.GetManifestResourceNames().Where(name =>
            name.Replace('\\', '/').StartsWith($"defaults/{kind}/", StringComparison.Ordinal)).Select(name => (name, (Func<string>)(() =>
        {
            using var stream = assembly.GetManifestResourceStream(name)!;
            using var reader = new StreamReader(stream, Utf8);
            return reader.ReadToEnd();
        })));
    }

    private static IEnumerable<(string Name, Func<string> Text)> InFolder(string folder)
    {
        try
        {
            return Directory.GetFiles(folder, "*.md").Where(path => !Path.GetFileName(path).StartsWith('.'))
                .Select(path => (path, (Func<string>)(() => File.ReadAllText(path, Utf8))));
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            throw new SettingsException($"The default policy cannot be loaded: {missing.Message}");
        }
    }
}
