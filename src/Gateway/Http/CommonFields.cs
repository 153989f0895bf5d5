using Beadhub.Gateway.Requests;
using Beadhub.Projects;
using Beadhub.Workspaces;

namespace Beadhub.Gateway.Http;

/// <summary>Fields that several bodies share, with the rules and texts of contract 2.</summary>
internal static class CommonFields
{
    /// <summary>Text of the role rule.</summary>
    public const string RoleRule = "Invalid role: use 1-2 words (letters/numbers) with hyphens/underscores allowed; max 50 chars";

    /// <summary>A workspace id.</summary>
    public static string WorkspaceId(this BodyFields body, string name = "workspace_id")
    {
        var text = body.Required(name);
        if (body.Errors.Count == 0 && text.Trim().Length == 0) body.Fail(name, "workspace_id cannot be empty");
        else if (Names.TryNormalizeUuid(text, out var uuid)) return uuid;
        else if (text.Length > 0) body.Fail(name, "Invalid workspace_id format");
        return "";
    }

    /// <summary>A workspace id in the query; its errors are texts.</summary>
    public static string? WorkspaceIdOrNull(string? text)
    {
        if (string.IsNullOrEmpty(text)) return null;
        if (text.Trim().Length == 0) throw ApiException.Unprocessable("workspace_id cannot be empty");
        return Names.TryNormalizeUuid(text, out var uuid) ? uuid : throw ApiException.Unprocessable("Invalid workspace_id format");
    }

    /// <summary>A workspace id.</summary>
    public static Field<string> WorkspaceId(string name, string description) =>
        InBody.Of(name, Schemas.Uuid(description), required: true, fields => fields.Body.WorkspaceId(name));

    /// <summary>An alias.</summary>
    public static Field<string> Alias(string description) =>
        InBody.Of("alias", Schemas.Text(description, 1, 64, example: "alice"), required: true, static fields => fields.Body.Alias());

    /// <summary>A workspace id in the query; null when it is absent or empty. It is refused with text, once the caller is known.</summary>
    public static Field<string?> WorkspaceFilter(string name, string description) =>
        InQuery.Text(name, description).AfterCaller(WorkspaceIdOrNull);

    /// <summary>An alias.</summary>
    public static string Alias(this BodyFields body)
    {
        var alias = body.Required("alias", 1, 64);
        if (alias.Length > 0 && !Names.IsAlias(alias)) body.Fail("alias", "Invalid alias format");
        return alias;
    }

    /// <summary>A git remote, with its canonical form.</summary>
    public static Origin? Origin(this BodyFields body, string name, bool required, int max = 2048)
    {
        var url = required ? body.Required(name, 1, max) : body.Optional(name, 0, max);
        if (string.IsNullOrEmpty(url)) return null;
        if (Names.TryCanonicalizeOrigin(url, out var canonical)) return new(url.Trim(), canonical);
        body.Fail(name, $"Invalid {name}: not a git remote");
        return null;
    }

    /// <summary>A role, normalised; null when absent or blank.</summary>
    public static string? Role(this BodyFields body, string name, string rule)
    {
        var text = body.Optional(name, max: 50);
        if (string.IsNullOrWhiteSpace(text)) return null;
        if (Roles.Normalize(text) is { } role) return role;
        body.Fail(name, rule);
        return null;
    }

    /// <summary>Trimmed text without control characters; TAB and LF pass where lines are allowed.</summary>
    public static string? Plain(this BodyFields body, string name, int max, bool linesAllowed = false)
    {
        var text = body.Optional(name, max: max)?.Trim();
        if (text is not null && HasControl(text, linesAllowed)) body.Fail(name, $"{name} must not contain control characters");
        return text;
    }

    /// <summary>Text that people write, of any characters but NUL, which no store keeps; null when it is absent.</summary>
    public static string? Prose(this BodyFields body, string name, int max, int min = 0)
    {
        var text = body.Optional(name, min, max);
        body.MustBePlain(name, text);
        return text;
    }

    /// <summary>Such a text that must be there.</summary>
    public static string RequiredProse(this BodyFields body, string name, int min, int max)
    {
        var text = body.Required(name, min, max);
        body.MustBePlain(name, text);
        return text;
    }

    /// <summary>A UUID in any of its usual forms, normalised; null when absent or null.</summary>
    public static string? Uuid(this BodyFields body, string name, string rule)
    {
        if (body.Optional(name) is not { } text) return null;
        if (Names.TryNormalizeUuid(text, out var uuid)) return uuid;
        body.Fail(name, rule);
        return null;
    }

    /// <summary>Refuses a text with a NUL in it, which no store keeps.</summary>
    public static void MustBePlain(this BodyFields body, string name, string? text)
    {
        if (text is not null && text.Contains('\0')) body.Fail(name, $"{name} must not contain NUL characters");
    }

    /// <summary>Whether the text holds a control character.</summary>
    public static bool HasControl(string text, bool linesAllowed)
    {
        foreach (var c in text)
            if (c < ' ' && !(linesAllowed && c is '\t' or '\n')) return true;
        return false;
    }
}
