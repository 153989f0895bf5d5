using System.Collections.Concurrent;
using System.Text.Json;
using Beadhub.Testing;
using Microsoft.Playwright;

namespace Beadhub.BrowserTests;

/// <summary>
/// What the thread of a page works at once: script, style, layout and painting between two moments at which it could answer. From the
/// browser's trace, in time of the processor: what a busy machine makes it wait does not count.
/// </summary>
internal static class MainThread
{
    // A browser traces once at a time.
    private static readonly SemaphoreSlim One = new(1);

    /// <summary>The tasks of the page's thread while something is done, the longest first, in milliseconds.</summary>
    public static async Task<IReadOnlyList<double>> Tasks(Chromium chromium, IPage page, Func<Task> work)
    {
        await One.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            var devtools = await chromium.Browser.NewBrowserCDPSessionAsync();
            var (events, whole) = (new ConcurrentQueue<JsonElement>(), new TaskCompletionSource());
            devtools.Event("Tracing.dataCollected").OnEvent += (_, data) =>
            {
                foreach (var one in data!.Value.Items("value")) events.Enqueue(one.Clone());
            };
            devtools.Event("Tracing.tracingComplete").OnEvent += (_, _) => whole.TrySetResult();
            await devtools.SendAsync("Tracing.start", new()
            {
                ["transferMode"] = "ReportEvents",
                ["traceConfig"] = new Dictionary<string, object>
                {
                    ["recordMode"] = "recordContinuously",
                    ["includedCategories"] = new[] { "blink.user_timing", "disabled-by-default-devtools.timeline" },
                    ["excludedCategories"] = new[] { "*" },
                },
            });
            var mark = $"begin-{Guid.NewGuid():n}";
            await page.EvaluateAsync("mark => { performance.mark(mark); }", mark);
            await work();
            await devtools.SendAsync("Tracing.end");
            await whole.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
            await devtools.DetachAsync();

            var begin = events.First(one => one.Text("name") == mark);
            var (process, thread, from) = (begin.Number("pid"), begin.Number("tid"), begin.At("ts").GetInt64());
            var tasks = events.Where(one => one.Text("name") == "RunTask" && one.Has("tdur") && one.Number("pid") == process
                    && one.Number("tid") == thread && one.At("ts").GetInt64() > from)
                .Select(static one => one.At("tdur").GetDouble() / 1000).OrderDescending().ToList();
            tasks.Count.ShouldBeGreaterThan(10, "the trace has no tasks of the page");
            var longest = string.Join(", ", tasks.Take(5).Select(static ms => $"{ms:F1}"));
            TestContext.Current.TestOutputHelper?.WriteLine($"{tasks.Count} tasks, {tasks.Sum():F0} ms; the longest: {longest} ms");
            return tasks;
        }
        finally
        {
            One.Release();
        }
    }
}
