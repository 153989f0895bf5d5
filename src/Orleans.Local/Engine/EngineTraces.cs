using System.Diagnostics;

namespace Orleans.Local;

/// <summary>A span for each call of a grain, from the caller's side: with the time that it waits for its turn. Without a listener there is
/// none, and nothing is spent.</summary>
internal static class EngineTraces
{
    /// <summary>Name of the source.</summary>
    public const string Name = "Beadhub.Orleans.Local";

    private static readonly ActivitySource Source = new(Name);

    /// <summary>Whether the call that is about to be made is part of a trace that somebody keeps, or would begin one.</summary>
    public static bool AreWanted => Source.HasListeners() && (Activity.Current is null or { Recorded: true });

    /// <summary>Makes the call within a span of its own.</summary>
    public static async Task Follow(string grain, string method, string key, Func<Task> call)
    {
        using var span = Start(grain, method, key);
        try
        {
            await call().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            Failed(span, exception);
            throw;
        }
    }

    /// <inheritdoc cref="Follow(string, string, string, Func{Task})"/>
    public static async Task<TResult> Follow<TResult>(string grain, string method, string key, Func<Task<TResult>> call)
    {
        using var span = Start(grain, method, key);
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            Failed(span, exception);
            throw;
        }
    }

    private static Activity? Start(string grain, string method, string key)
    {
        var span = Source.StartActivity($"{grain}.{method}");
        span?.SetTag("rpc.system", "beadhub").SetTag("rpc.service", grain).SetTag("rpc.method", method).SetTag("beadhub.grain.key", key);
        return span;
    }

    // The type says what went wrong; a message may repeat what a caller has sent.
    private static void Failed(Activity? span, Exception exception) =>
        span?.SetStatus(ActivityStatusCode.Error).SetTag("error.type", exception.GetType().FullName);
}
