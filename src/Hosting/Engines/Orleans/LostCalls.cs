using System.Reflection;
using Orleans;
using Orleans.Concurrency;
using Orleans.Runtime;

namespace Beadhub.Hosting.Engines;

/// <summary>
/// What becomes of calls whose silo is lost, or that the cluster cannot place just now: those that only read, that may be repeated
/// (<see cref="RepeatableAttribute"/>), or that were sent back unopened, are made again; all others end with
/// <see cref="UnavailableException"/>, as whether they were carried out is unknown.
/// </summary>
internal sealed partial class LostCalls(TimeProvider time, ILogger<LostCalls> logger) : IOutgoingGrainCallFilter
{
    // Longer than a lost silo goes unnoticed.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    // Compared with, not with its text: that is Orleans' to choose.
    private static readonly SiloUnavailableException Unopened = new();

    /// <inheritdoc/>
    public async Task Invoke(IOutgoingGrainCallContext context)
    {
        // Orleans' own grains know how to deal with losses.
        if (context.InterfaceMethod.DeclaringType?.Assembly != typeof(IEvent).Assembly)
        {
            await context.Invoke();
            return;
        }

        var began = time.GetTimestamp();
        while (true)
        {
            Exception? failure;
            try
            {
                await context.Invoke();
                failure = context.Response?.Exception;
            }
            catch (Exception thrown)
            {
                failure = thrown;
                if (!IsLoss(thrown)) throw;
            }

            if (failure is null || !IsLoss(failure)) return;
            if (failure is TimeoutException || !MayRepeat(context.InterfaceMethod, failure) || time.GetElapsedTime(began) > Patience)
            {
                LogLost(logger, context.InterfaceMethod.DeclaringType.Name, context.MethodName, failure.GetType().Name, failure.Message);
                throw new UnavailableException(
                    $"{context.InterfaceMethod.DeclaringType.Name}.{context.MethodName} did not get an answer: {failure.Message}", failure);
            }

            if (!IsUnopened(failure)) RepeatedCall.Begin();
            await Task.Delay(Pause, time);
        }
    }

    /// <summary>
    /// Whether the call was sent back before anybody opened it. Orleans has no type of its own for that: a silo that stops, or that is
    /// known to be gone, rejects with an exception that says nothing more, while of a call that may have been carried out it says what
    /// was lost.
    /// </summary>
    private static bool IsUnopened(Exception failure) =>
        failure is OrleansMessageRejectionException && (failure is not SiloUnavailableException || failure.Message == Unopened.Message);

    private static bool IsLoss(Exception failure) => failure is OrleansException or TimeoutException;

    private static bool MayRepeat(MethodInfo method, Exception failure) => IsUnopened(failure)
        || method.IsDefined(typeof(ReadOnlyAttribute)) || method.IsDefined(typeof(RepeatableAttribute));

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Grain}.{Method} did not get an answer: {Failure}: {Reason}")]
    private static partial void LogLost(ILogger logger, string grain, string method, string failure, string reason);
}
