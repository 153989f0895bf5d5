using System.Reflection;
using Orleans;
using Orleans.Concurrency;
using Orleans.Runtime;

namespace Beadhub.Silo.Engines;

/// <summary>
/// What becomes of calls whose silo is lost, or that the cluster cannot place just now: those that only read are made again, all others end with
/// <see cref="UnavailableException"/>, as whether they were carried out is unknown.
/// </summary>
internal sealed class LostCalls(TimeProvider time) : IOutgoingGrainCallFilter
{
    // Longer than a lost silo goes unnoticed.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

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
            if (failure is TimeoutException || !OnlyReads(context.InterfaceMethod) || time.GetElapsedTime(began) > Patience)
                throw new UnavailableException($"{context.InterfaceMethod.DeclaringType.Name}.{context.MethodName} did not get an answer: {failure.Message}", failure);
            await Task.Delay(Pause, time);
        }
    }

    private static bool IsLoss(Exception failure) => failure is OrleansException or TimeoutException;

    private static bool OnlyReads(MethodInfo method) => method.IsDefined(typeof(ReadOnlyAttribute));
}
