using System.Text.Json.Serialization;
using Beadhub.Escalations;

namespace Beadhub.Hosting.Outreach;

/// <summary>What a person is told.</summary>
/// <param name="Kind"><c>escalation</c>, <c>mail</c> or <c>digest</c>.</param>
/// <param name="Item">Its id, by which repeats are known.</param>
/// <param name="ProjectId">Project.</param>
/// <param name="Project">Its slug.</param>
/// <param name="Severity">One of <see cref="Severities"/>.</param>
/// <param name="Subject">What it is about, in a line.</param>
/// <param name="Text">What there is to say.</param>
/// <param name="Link">Where to answer; null for nowhere.</param>
/// <param name="MemberEmail">The person whom an agent has named; null for nobody.</param>
/// <param name="Times">The how manieth time it is sent.</param>
internal sealed record OutreachMessage(
    string Kind, string Item, string ProjectId, string Project, string Severity, string Subject, string Text, string? Link,
    [property: JsonIgnore] string? MemberEmail, int Times)
{
    /// <summary>The subject with what is needed to sort it.</summary>
    [JsonIgnore]
    public string Title
    {
        get
        {
            var line = $"[{Project}] {(Times > 1 ? "Reminder: " : "")}{Subject}";
            // It goes into headers.
            return string.Concat(line.Select(static c => char.IsControl(c) ? ' ' : c));
        }
    }

    /// <summary>By which a mail is known, the same each time this is sent; null where the item is another one each day.</summary>
    public string? MailId(string host) => Kind == Item ? null : $"<{Item.Replace('/', '.')}.{Times}.{ProjectId}@{host}>";

    /// <summary>The text with the link.</summary>
    [JsonIgnore]
    public string Body => Link is null ? Text : $"{Text}\n\nAnswer here, once: {Link}\n";
}

/// <summary>JSON for commands and webhooks.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(OutreachMessage))]
[JsonSerializable(typeof(SlackMessage))]
[JsonSerializable(typeof(NtfyMessage))]
internal sealed partial class OutreachMessageJson : JsonSerializerContext;

/// <summary>What Slack and those like it take.</summary>
internal sealed record SlackMessage(string Text);

/// <summary>What ntfy takes at its root.</summary>
internal sealed record NtfyMessage(string Topic, string Title, string Message, int Priority,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Click);
