namespace Beadhub.Projects;

/// <summary>Text as answers show it.</summary>
internal static class Text
{
    /// <summary>The text, or null for an empty one.</summary>
    public static string? OrNull(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
