using System.Collections.Concurrent;

namespace Beadhub.Boards;

/// <summary>Answers by query, so that the same question gets the same object while nothing that it shows has changed. Bounded; safe for
/// concurrent callers.</summary>
internal sealed class ViewCache
{
    private const int Capacity = 256;
    private readonly ConcurrentDictionary<object, object> _answers = new();
    private int _count;

    /// <summary>The answer to a query, made when it is not there yet.</summary>
    public TAnswer Get<TQuery, TAnswer>(Board board, TQuery query, Func<Board, TQuery, TAnswer> make) where TQuery
        : class where TAnswer : class
    {
        if (_answers.TryGetValue(query, out var known)) return (TAnswer)known;

        // Whoever asks for ever new things may cost time, not memory.
        if (Interlocked.Increment(ref _count) > Capacity)
        {
            _answers.Clear();
            _count = 1;
        }

        return (TAnswer)_answers.GetOrAdd(query, make(board, query));
    }
}
