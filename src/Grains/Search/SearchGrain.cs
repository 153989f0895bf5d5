using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Beadhub.Beads;
using Beadhub.EventLog;
using Beadhub.Feed;
using Beadhub.Mail;
using Orleans;

namespace Beadhub.Search;

/// <inheritdoc cref="ISearchGrain"/>
[ProjectPlacement]
public sealed class SearchGrain(IEventLog log, ISearchIndex index) : Grain, ISearchGrain
{
    private const int PageSize = 64; // each may be a mail of a megabyte
    private const int MostWords = 16;
    private const int SnippetLength = 200;
    private static readonly string[] Texts = ["description", "design", "acceptance_criteria", "notes", "close_reason"];

    /// <inheritdoc/>
    public async Task<ImmutableArray<SearchResult>> Find(SearchQuery query)
    {
        var words = SearchWords.Of(query.Text).Take(MostWords).ToArray();
        if (words.Length == 0) return [];
        var project = this.GetPrimaryKeyString();
        await CatchUp(project);
        var found = await index.Find(project, words, query.Kind, query.AgentId, query.Limit);
        return
        [
            .. found.Select(one => new SearchResult(
                one.Kind, one.Name, one.Repo, one.Branch, one.Title, Snippet(one.Body, words), one.FromAlias, one.FromAgentId,
                one.ToAgentId, one.At)),
        ];
    }

    /// <summary>Takes in what the feed has beyond the cursor: who has written finds it.</summary>
    private async Task CatchUp(string project)
    {
        var head = await log.Head(project);
        var cursor = await index.Cursor(project);
        if (cursor.Position > 0 && (cursor.Position > head || await StampAt(project, cursor.Position) != cursor.Stamp))
        {
            // Another log stands in the place of the one that was read: a backup, say.
            await index.Forget(project);
            cursor = default;
        }

        while (cursor.Position < head)
        {
            var page = await log.ReadFeed(project, cursor.Position, PageSize);
            if (page.Count == 0) return;
            var to = new SearchCursor(page[^1].Position, Stamp(page[^1]));
            cursor = await index.Put(project, cursor with { Stamp = cursor.Stamp ?? "" }, to, Documents(page))
                ? to : await index.Cursor(project);
        }
    }

    private async Task<string?> StampAt(string project, long position) =>
        await log.ReadFeed(project, position - 1, 1) is [var found] ? Stamp(found) : null;

    private static string Stamp(FeedEvent found) => $"{found.Kind}/{found.Key}/{found.Version}/{found.At.UtcTicks}";

    /// <summary>What events have made of beads and mail, the last of each.</summary>
    private static List<SearchDocument> Documents(IReadOnlyList<FeedEvent> page)
    {
        var documents = new Dictionary<string, SearchDocument>(StringComparer.Ordinal);
        foreach (var found in page)
        {
            if (found.Kind != Bead.Kind.Name && found.Kind != Mailbox.Kind.Name) continue;
            var document = EventTypes.Parse(found.Type, found.Data) switch
            {
                IssueStored e => OfBead(found, e.Repo, e.Branch, e.Title, Text(e.Line)),
                BeadStored e => OfBead(found, e.Record.Repo, e.Record.Branch, e.Record.Title, e.Record.Description ?? ""),
                BeadRemoved e => OfBead(found, e.Repo, e.Branch, "", "") with { IsGone = true },
                MailDelivered e => new SearchDocument(
                    $"mail/{found.Key}/{e.MessageId}", "mail", e.MessageId, "", "", e.Subject, e.Body, e.FromAlias, e.FromAgentId,
                    e.ToAgentId, e.At),
                _ => null,
            };
            if (document is not null) documents[document.Id] = document;
        }

        return [.. documents.Values];
    }

    private static SearchDocument OfBead(FeedEvent found, string repo, string branch, string? title, string text) => new(
        $"bead/{Bead.IdOf(found.Key)}/{branch}\n{repo}", "bead", Bead.IdOf(found.Key), repo, branch, title ?? "", text, null, null, null,
        found.At);

    /// <summary>The texts of an issue's line, its labels and comments.</summary>
    private static string Text(string line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var issue = document.RootElement;
            var text = new StringBuilder();
            foreach (var name in Texts)
                if (issue.TryGetProperty(name, out var value)) Add(value);
            if (issue.TryGetProperty("labels", out var labels) && labels.ValueKind == JsonValueKind.Array)
                foreach (var label in labels.EnumerateArray()) Add(label);
            if (issue.TryGetProperty("comments", out var comments) && comments.ValueKind == JsonValueKind.Array)
                foreach (var comment in comments.EnumerateArray())
                    if (comment.ValueKind == JsonValueKind.Object && comment.TryGetProperty("text", out var said)) Add(said);
            return text.ToString();

            void Add(JsonElement value)
            {
                if (value.ValueKind == JsonValueKind.String) text.Append(value.GetString()).Append('\n');
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Stored by a version that refused less.
            return "";
        }
    }

    private static string Snippet(string body, string[] words)
    {
        var at = words.Select(word => body.IndexOf(word, StringComparison.OrdinalIgnoreCase)).Where(found => found >= 0)
            .DefaultIfEmpty(0).Min();
        var start = Math.Max(0, at - SnippetLength / 4);
        var end = Math.Min(body.Length, start + SnippetLength);
        if (start > 0 && char.IsLowSurrogate(body[start])) start++;
        if (end < body.Length && end > start && char.IsHighSurrogate(body[end - 1])) end--;
        return $"{(start > 0 ? "…" : "")}{body[start..end].ReplaceLineEndings(" ").Trim()}{(end < body.Length ? "…" : "")}";
    }
}
