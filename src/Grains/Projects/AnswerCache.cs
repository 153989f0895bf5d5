using System.Collections.Concurrent;

namespace Beadhub.Projects;

/// <summary>The last answers to the queries that are asked most, each good while it would be made from the same objects again.</summary>
internal sealed class AnswerCache<TQuery, TAnswer>(int capacity, Func<Sources, TQuery, TAnswer> compose)
    where TQuery : notnull
    where TAnswer : class
{
    private readonly ConcurrentDictionary<TQuery, Entry> _entries = new();

    private sealed record Entry(Sources Sources, TAnswer Answer);

    /// <summary>The answer to a query: the same object as last time while nothing that it shows has changed.</summary>
    public TAnswer Get(in Sources sources, TQuery query)
    {
        if (_entries.TryGetValue(query, out var entry) && entry.Sources.AreThoseOf(sources)) return entry.Answer;
        var answer = compose(sources, query);
        // Clients ask few questions over and over; whoever asks many different ones gains nothing from a finer rule.
        if (_entries.Count >= capacity && !_entries.ContainsKey(query)) _entries.Clear();
        _entries[query] = new(sources, answer);
        return answer;
    }
}
