using System.Diagnostics.Metrics;
using System.Text;
using Beadhub.Gateway.Metrics;

namespace Beadhub.Silo.Tests.Operations;

/// <summary>How instruments become families, without a server.</summary>
public sealed class MetricFamilyTests : IDisposable
{
    private readonly Meter _meter = new("test");

    public void Dispose() => _meter.Dispose();

    [Theory]
    [InlineData("beadhub.grains.turns", "{request}", true, "beadhub_grains_turns_total")]
    [InlineData("http.server.request.duration", "s", false, "http_server_request_duration_seconds")]
    [InlineData("dotnet.gc.heap.total_allocated", "By", true, "dotnet_gc_heap_total_allocated_bytes_total")]
    [InlineData("dotnet.timer.count", "{timer}", false, "dotnet_timer_current")]
    [InlineData("a-b.c", null, false, "a_b_c")]
    [InlineData("7x", null, false, "_7x")]
    [InlineData("already.seconds", "s", false, "already_seconds")]
    public void Names_follow_the_rules(string name, string? unit, bool isCounter, string expected) =>
        MetricNames.Of(name, unit, isCounter).ShouldBe(expected);

    [Fact]
    public void Labels_are_escaped_ordered_and_only_those_that_are_allowed()
    {
        var family = MetricFamily.Of(_meter.CreateCounter<long>("calls", null, "One\\two\nthree"))!;
        family.Record(1, [new("outcome", "a\"b\\c\nd"), new("project", "secret"), new("grain", "G")]);
        family.Record(2, [new("grain", "G"), new("outcome", "a\"b\\c\nd")]);
        Text(family)
            .ShouldBe(
            "# HELP calls_total One\\\\two\\nthree\n# TYPE calls_total counter\ncalls_total{grain=\"G\",outcome=\"a\\\"b\\\\c\\nd\"} 3\n");
        Scrape.Parse(Text(family)).Sum("calls_total").ShouldBe(3);
    }

    [Fact]
    public void A_histogram_counts_into_the_buckets_that_were_advised()
    {
        var family = MetricFamily
            .Of(_meter.CreateHistogram("took", "s", "", null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.5, 1] }))!;
        foreach (var value in (double[])[0.5, 0.6, 1, 7]) family.Record(value, []);
        Text(family).ShouldBe("""
            # HELP took_seconds 
            # TYPE took_seconds histogram
            took_seconds_bucket{le="0.5"} 1
            took_seconds_bucket{le="1"} 3
            took_seconds_bucket{le="+Inf"} 4
            took_seconds_sum 9.1
            took_seconds_count 4

            """.ReplaceLineEndings("\n"));
    }

    [Fact]
    public async Task Any_number_of_threads_may_measure()
    {
        var family = MetricFamily.Of(_meter.CreateHistogram<double>("took", "s"))!;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(n => Task.Run(() =>
        {
            for (var i = 0; i < 20_000; i++) family.Record(0.25, [new("outcome", n % 2 == 0 ? "even" : "odd")]);
        }, TestContext.Current.CancellationToken)));
        var scrape = Scrape.Parse(Text(family));
        scrape.Sum("took_seconds_count").ShouldBe(160_000);
        scrape.Sum("took_seconds_sum", "outcome=\"even\"").ShouldBe(20_000);
    }

    [Fact]
    public void The_number_of_series_is_bounded()
    {
        var family = MetricFamily.Of(_meter.CreateCounter<int>("calls"))!;
        for (var i = 0; i < 5_000; i++) family.Record(1, [new("outcome", i)]);
        family.Record(1, [new("outcome", new string('x', 5_000))]);
        var scrape = Scrape.Parse(Text(family));
        scrape.Samples.Count.ShouldBe(1_001);
        scrape.Sum("calls_total").ShouldBe(5_001);
    }

    private static string Text(MetricFamily family)
    {
        var text = new StringBuilder();
        family.Write(text);
        return text.ToString();
    }
}
