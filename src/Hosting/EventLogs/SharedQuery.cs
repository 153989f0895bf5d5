using Beadhub.EventLog;

namespace Beadhub.Hosting.EventLogs;

/// <summary>
/// Answers many small questions with few queries: a question asked while all queries are under way waits and shares the next one with
/// whoever else waits. A question asked alone goes out at once.
/// </summary>
/// <param name="ask">Asks for all keys at once; answers in their order.</param>
/// <param name="parallel">Queries under way at a time.</param>
/// <param name="most">Questions a query may carry.</param>
internal sealed class SharedQuery<TKey, TAnswer>(Func<IReadOnlyList<TKey>, Task<TAnswer[]>> ask, int parallel, int most)
{
    private readonly Lock _gate = new();
    private readonly Queue<Question> _waiting = new();
    private int _running;

    public ValueTask<TAnswer> Ask(TKey key, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested) return ValueTask.FromCanceled<TAnswer>(cancellation);
        var question = new Question(key);
        var start = false;
        lock (_gate)
        {
            _waiting.Enqueue(question);
            if (_running < parallel)
            {
                _running++;
                start = true;
            }
        }
        if (start) _ = Run();
        // A caller may leave; the query goes on for the others.
        return new ValueTask<TAnswer>(cancellation.CanBeCanceled ? question.Task.WaitAsync(cancellation) : question.Task);
    }

    private async Task Run()
    {
        while (true)
        {
            List<Question> questions;
            lock (_gate)
            {
                if (_waiting.Count == 0)
                {
                    _running--;
                    return;
                }
                questions = new List<Question>(Math.Min(_waiting.Count, most));
                while (questions.Count < most && _waiting.TryDequeue(out var question)) questions.Add(question);
            }
            try
            {
                var answers = await ask(questions.ConvertAll(static question => question.Key));
                for (var i = 0; i < answers.Length; i++) questions[i].SetResult(answers[i]);
            }
            catch (Exception failed)
            {
                foreach (var question in questions)
                {
                    question.TrySetException(failed is EventLogUnavailableException
                        ? new EventLogUnavailableException(failed.Message, failed.InnerException)
                        : failed);
                }
            }
        }
    }

    private sealed class Question(TKey key) : TaskCompletionSource<TAnswer>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public TKey Key => key;
    }
}
