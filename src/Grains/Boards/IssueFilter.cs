using Beadhub.Beads;

namespace Beadhub.Boards;

/// <summary>The filters of a list of issues, all of which must hold (contract 7.6). Statuses are dealt with before: each has a list of its
/// own.</summary>
internal readonly struct IssueFilter(IssueQuery query)
{
    // Empty text filters nothing.
    private readonly string? _repo = Given(query.Repo), _branch = Given(query.Branch), _assignee = Given(query.Assignee),
        _createdBy = Given(query.CreatedBy),
        _label = Given(query.Label), _type = Given(query.Type), _text = Given(query.Text);

    /// <summary>The statuses asked for; empty when any will do.</summary>
    public static string[] Statuses(IssueQuery query) =>
        (query.Statuses ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Distinct(StringComparer.Ordinal).ToArray();

    /// <summary>Whether an issue passes.</summary>
    public bool Passes(BeadRecord issue) =>
        (_repo is null || issue.Repo == _repo)
        && (_branch is null || issue.Branch == _branch)
        && (_assignee is null || issue.Assignee == _assignee)
        && (_createdBy is null || issue.CreatedBy == _createdBy)
        && (_type is null || issue.Type == _type)
        && (_label is null || issue.Labels.Contains(_label))
        && (_text is null
            || issue.BeadId.StartsWith(_text, StringComparison.OrdinalIgnoreCase)
            || issue.Title is { } title && title.Contains(_text, StringComparison.OrdinalIgnoreCase));

    private static string? Given(string? text) => text is { Length: > 0 } ? text : null;
}
