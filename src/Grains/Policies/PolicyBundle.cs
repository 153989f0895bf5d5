using System.Text.Json;

namespace Beadhub.Policies;

/// <summary>Reads a stored bundle: what is there of each invariant and role, and nothing more (contract 10.1).</summary>
internal static class PolicyBundle
{
    public static PolicyView View(string projectId, PolicyVersion version, string bundle)
    {
        using var json = JsonDocument.Parse(bundle);
        var root = json.RootElement;
        var roles = new OrderedDictionary<string, RoleView>(StringComparer.Ordinal);
        if (root.TryGetProperty("roles", out var stored))
        {
            // Of a key that was sent twice the last counts, as everywhere in JSON.
            foreach (var role in stored.EnumerateObject())
                roles[role.Name] = new(role.Name, Text(role.Value, "title", role.Name), Text(role.Value, "playbook_md", ""));
        }

        return new(
            version.Id,
            projectId,
            version.Version,
            version.CreatedAt,
            root.TryGetProperty("invariants", out var invariants)
                ? [.. invariants.EnumerateArray().Select(i =>
                    new InvariantView(Text(i, "id", ""), Text(i, "title", ""), Text(i, "body_md", "")))]
                : [],
            [.. roles.Values],
            root.TryGetProperty("adapters", out var adapters) ? adapters.GetRawText() : "{}");
    }

    // Inner fields are free, so a title may be anything: what is no text is shown as the JSON it is.
    private static string Text(JsonElement element, string name, string otherwise) =>
        !element.TryGetProperty(name, out var value) ? otherwise
        : value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.Null => otherwise,
            _ => value.GetRawText(),
        };
}

/// <summary>The policy that every project starts with.</summary>
public interface IDefaultPolicy
{
    /// <summary>The bundle as JSON (contract 10.1).</summary>
    string Bundle { get; }

    /// <summary>Reads it anew, for a reset, where it may have been edited since the start.</summary>
    /// <exception cref="UnavailableException">It cannot be read; the one before stays.</exception>
    string Reload();
}
