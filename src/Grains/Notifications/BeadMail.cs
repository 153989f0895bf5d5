using System.Collections.Immutable;
using System.Text;
using Beadhub.Beads;
using Beadhub.Mail;
using Beadhub.Subscriptions;

namespace Beadhub.Notifications;

/// <summary>The mail about a change of a bead (contract 12.4). Pure.</summary>
internal static class BeadMail
{
    private const int MaxShown = 500;

    /// <summary>The mail to one subscriber.</summary>
    /// <param name="projectId">Project.</param>
    /// <param name="position">Position of the change in the project's feed.</param>
    /// <param name="beadId">The bead.</param>
    /// <param name="change">The change.</param>
    /// <param name="heard">What of it the subscriber wants to hear; at least one.</param>
    /// <param name="agentId">Subscriber.</param>
    /// <param name="alias">Its alias.</param>
    public static DeliverMail Of(string projectId, long position, string beadId, IIssueStored change, ImmutableArray<string> heard, string agentId, string alias)
    {
        var body = new StringBuilder();
        foreach (var type in heard)
        {
            body.Append(type switch
            {
                SubscribedEvents.Status => $"Bead {beadId} changed status: {Shown(change.OldStatus)} -> {Shown(change.Status)}",
                SubscribedEvents.Priority => $"Bead {beadId} changed priority: {change.Before?.Priority?.ToString() ?? "none"} -> {change.After?.Priority?.ToString() ?? "none"}",
                _ => $"Bead {beadId} changed assignee: {Shown(change.Before?.Assignee)} -> {Shown(change.After?.Assignee)}",
            }).Append('\n');
        }

        body.Append('\n');
        if (change.Title is { Length: > 0 }) body.Append("Title: ").Append(Shown(change.Title)).Append('\n');
        body.Append("Repo: ").Append(change.Repo).Append('\n').Append("Branch: ").Append(change.Branch).Append('\n');
        return new(
            SystemAgent.MailOf(projectId, position, agentId), SystemAgent.IdOf(projectId), SystemAgent.Alias, alias, $"Bead {What(heard[0])} changed: {beadId}",
            body.ToString(), ThreadId: SystemAgent.ThreadOf(beadId), IsSilent: true);
    }

    private static string What(string type) => type switch
    {
        SubscribedEvents.Status => "status",
        SubscribedEvents.Priority => "priority",
        _ => "assignee",
    };

    /// <summary>A client's text on one line, and not all of it when it is long.</summary>
    private static string Shown(string? text)
    {
        if (string.IsNullOrEmpty(text)) return "none";
        var end = Math.Min(text.Length, MaxShown);
        if (end < text.Length && char.IsHighSurrogate(text[end - 1])) end--;
        var line = string.Concat(text.AsSpan(0, end).ToString().Select(c => char.IsControl(c) ? ' ' : c));
        return end < text.Length ? line + "..." : line;
    }
}
