using System.Text.RegularExpressions;

namespace Beadhub.Grains.Tests;

/// <summary>What holds of every source file.</summary>
public sealed partial class SourceTests
{
    private const int Longest = 140;

    [Fact]
    public void No_line_is_longer_than_140_characters()
    {
        var tooLong = new List<string>();
        foreach (var folder in new[] { "src", "tests", "bench", "samples" })
            foreach (var file in Directory.EnumerateFiles(Path.Combine(Root(), folder), "*.cs", SearchOption.AllDirectories))
                if (!IsMade().IsMatch(file)) tooLong.AddRange(TooLong(file));

        tooLong.ShouldBeEmpty();
    }

    [Fact]
    public void Only_raw_string_literals_may_be_longer() =>
        TooLong([
                "var x = 1;", new('x', 141), "\"\"\"", new('x', 141), "\"\"\";", $"Read(\"\"\"{new string('x', 141)}\"\"\");",
                new('y', 141),
            ])
            .ShouldBe([2, 7]);

    private static IEnumerable<string> TooLong(string file) =>
        TooLong(File.ReadAllLines(file)).Select(line => $"{Path.GetRelativePath(Root(), file)}:{line}");

    /// <summary>
    /// Lines that are too long, counted from 1. Data in raw string literals stays as it is: it cannot be broken without becoming others.
    /// </summary>
    private static IEnumerable<int> TooLong(string[] lines)
    {
        var isRaw = false;
        for (var i = 0; i < lines.Length; i++)
        {
            var quotes = RawQuotes().Count(lines[i]);
            if (lines[i].Length > Longest && !isRaw && quotes == 0) yield return i + 1;
            if (quotes % 2 == 1) isRaw = !isRaw;
        }
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Beadhub.sln"))) folder = folder.Parent!;
        return folder.FullName;
    }

    [GeneratedRegex("\"{3,}")]
    private static partial Regex RawQuotes();

    [GeneratedRegex(@"[\\/](bin|obj)[\\/]")]
    private static partial Regex IsMade();
}
