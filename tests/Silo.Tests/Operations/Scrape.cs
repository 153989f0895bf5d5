using System.Globalization;
using System.Text;

namespace Beadhub.Silo.Tests.Operations;

/// <summary>
/// An answer of <c>/metrics</c>, read as strictly as the text format 0.0.4 is written: families in one piece, HELP and TYPE before their
/// samples, labels well-formed, no sample twice, histograms that add up.
/// </summary>
internal sealed class Scrape
{
    private readonly Dictionary<string, double> _samples = [];
    private readonly Dictionary<string, string> _types = [];

    private Scrape()
    {
    }

    /// <summary>Type of each family.</summary>
    public IReadOnlyDictionary<string, string> Types => _types;

    /// <summary>All samples, by name and labels as written.</summary>
    public IReadOnlyDictionary<string, double> Samples => _samples;

    public static Scrape Parse(string text)
    {
        text.ShouldEndWith("\n");
        text.ShouldNotContain('\r');
        var scrape = new Scrape();
        string? family = null, helped = null;
        foreach (var line in text[..^1].Split('\n'))
        {
            if (line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                helped = line.Split(' ', 4)[2];
                scrape._types.ShouldNotContainKey(helped, "a family is in one piece");
                line.Replace("\\\\", "").Replace("\\n", "").ShouldNotContain('\\', line);
            }
            else if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                var parts = line.Split(' ');
                parts.Length.ShouldBe(4, line);
                parts[2].ShouldBe(helped, "HELP comes right before TYPE");
                parts[3].ShouldBeOneOf("counter", "gauge", "histogram");
                scrape._types.TryAdd(parts[2], parts[3]).ShouldBeTrue(line);
                family = parts[2];
            }
            else
            {
                line.ShouldNotBeEmpty();
                family.ShouldNotBeNull(line);
                scrape.Add(line, family);
            }
        }

        scrape.CheckHistograms();
        return scrape;
    }

    /// <summary>The sum of the samples of a name whose labels contain all of these (<c>name="value"</c>); 0 when there is none.</summary>
    public double Sum(string name, params string[] labels) => _samples
        .Where(sample => sample.Key.Split('{')[0] == name && labels.All(label => sample.Key.Contains(label, StringComparison.Ordinal)))
            .Sum(sample => sample.Value);

    private void Add(string line, string family)
    {
        var at = 0;
        var name = Word(line, ref at);
        var type = _types[family];
        if (type == "histogram") name.ShouldBeOneOf(family + "_bucket", family + "_sum", family + "_count");
        else name.ShouldBe(family, line);
        if (type == "counter") name.ShouldEndWith("_total");
        if (line[at] == '{') Labels(line, ref at);
        line[at++].ShouldBe(' ', line);
        var number = line[at..];
        var value = number switch
        {
            "+Inf" => double.PositiveInfinity,
            "-Inf" => double.NegativeInfinity,
            _ => double.Parse(number, NumberStyles.Float, CultureInfo.InvariantCulture),
        };
        if (type == "counter") value.ShouldBeGreaterThanOrEqualTo(0, line);
        _samples.TryAdd(line[..(at - 1)], value).ShouldBeTrue($"twice: {line}");
    }

    private static void Labels(string line, ref int at)
    {
        var seen = new HashSet<string>();
        do
        {
            at++;
            seen.Add(Word(line, ref at)).ShouldBeTrue(line);
            line.Substring(at, 2).ShouldBe("=\"", line);
            for (at += 2; line[at] != '"'; at++)
            {
                if (line[at] != '\\') continue;
                at++;
                line[at].ShouldBeOneOf('\\', '"', 'n');
            }

            at++;
            line[at].ShouldBeOneOf(',', '}');
        }
        while (line[at] == ',');
        at++;
    }

    private static string Word(string line, ref int at)
    {
        var word = new StringBuilder();
        for (; char.IsAsciiLetter(line[at]) || line[at] == '_' || (word.Length > 0 && char.IsAsciiDigit(line[at])); at++)
            word.Append(line[at]);
        word.Length.ShouldBeGreaterThan(0, line);
        return word.ToString();
    }

    private void CheckHistograms()
    {
        foreach (var (family, _) in _types.Where(type => type.Value == "histogram"))
        {
            var buckets = _samples.Where(sample => sample.Key.StartsWith(family + "_bucket{", StringComparison.Ordinal));
            foreach (var series in buckets.GroupBy(sample => sample.Key[..sample.Key.IndexOf("le=\"", StringComparison.Ordinal)]))
            {
                var values = series.Select(sample => sample.Value).ToList();
                values.Order().SequenceEqual(values).ShouldBeTrue(series.Key);
                series.Last().Key.ShouldEndWith("le=\"+Inf\"}");
                var labels = series.Key[(family + "_bucket{").Length..].TrimEnd(',');
                var suffix = labels.Length > 0 ? $"{{{labels}}}" : "";
                _samples[$"{family}_count{suffix}"].ShouldBe(values[^1]);
                _samples.ShouldContainKey($"{family}_sum{suffix}");
            }
        }
    }
}
