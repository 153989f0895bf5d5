using System.Text;
using System.Text.RegularExpressions;
using Beadhub.Locks;

namespace Beadhub.Grains.Tests.Locks;

public class KeyPatternTests
{
    private static readonly string[] Words = [.. WordsUpTo(7)];

    [Theory]
    [InlineData("src/api/**", "src/api/x.cs", true)]
    [InlineData("src/api/**", "src/api/a/b/c.cs", true)]
    [InlineData("src/api/**", "src/api/", true)]
    [InlineData("src/api/**", "src/api", false)]
    [InlineData("src/api/**", "src/apiary/x", false)]
    [InlineData("src/*.cs", "src/a.cs", true)]
    [InlineData("src/*.cs", "src/a/b.cs", false)]
    [InlineData("src/**/test.cs", "src/test.cs", true)]
    [InlineData("src/**/test.cs", "src/a/b/test.cs", true)]
    [InlineData("src/**/test.cs", "src/mytest.cs", false)]
    [InlineData("**/test.cs", "test.cs", true)]
    [InlineData("**/test.cs", "a/test.cs", true)]
    [InlineData("**/test.cs", "atest.cs", false)]
    [InlineData("a**b", "a/x/b", true)]
    [InlineData("{src,tests}/**/x", "tests/x", true)]
    [InlineData("{src/,tests/}**/x", "tests/x", true)]
    [InlineData("{src/,t}**/x", "tx", false)]
    [InlineData("*.{cs,{md,txt}}", "a.txt", true)]
    [InlineData("*.{cs,{md,txt}}", "a.xml", false)]
    [InlineData("a{,b}c", "ac", true)]
    [InlineData("a?c", "a🎯c", true)]
    [InlineData("a?c", "a/c", false)]
    [InlineData("a??c", "a🎯c", false)]
    [InlineData("pages/[id].tsx", "pages/[id].tsx", true)]
    [InlineData("pages/[id].tsx", "pages/i.tsx", false)]
    [InlineData(@"a\*b", "a*b", true)]
    [InlineData(@"a\*b", "axb", false)]
    [InlineData(@"a\\b", @"a\b", true)]
    [InlineData("a,b", "a,b", true)]
    [InlineData("%_", "%_", true)]
    public void A_pattern_covers(string pattern, string key, bool covers) => KeyPattern.Parse(pattern).Covers(key, new()).ShouldBe(covers);

    [Theory]
    [InlineData("")]
    [InlineData("a{b")]
    [InlineData("a}b")]
    [InlineData("a{b,{c}")]
    [InlineData(@"a\")]
    [InlineData("********************")]
    [InlineData("*/**/**/**/**/**/**/**/**/**")]
    public void Some_texts_are_no_patterns(string text)
    {
        KeyPattern.TryParse(text, out _, out var problem).ShouldBeFalse();
        problem.ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public void A_pattern_is_limited_in_length()
    {
        KeyPattern.TryParse(new string('a', KeyPattern.MaxLength), out _, out _).ShouldBeTrue();
        KeyPattern.TryParse(new string('a', KeyPattern.MaxLength + 1), out _, out _).ShouldBeFalse();
        KeyPattern.TryParse(string.Concat(Enumerable.Repeat("🎯", KeyPattern.MaxLength)), out _, out _).ShouldBeTrue();
        KeyPattern.TryParse(new string('{', 200) + new string('}', 56), out _, out _).ShouldBeFalse();
        KeyPattern.TryParse(new string('{', 128) + new string('}', 128), out _, out _).ShouldBeTrue();
    }

    [Theory]
    [InlineData("src/**", "src/api/x.cs", true)]
    [InlineData("src/**", "**/x.cs", true)]
    [InlineData("src/**", "tests/**", false)]
    [InlineData("*.cs", "*.md", false)]
    [InlineData("a*", "*b", true)]
    [InlineData("src/*/a", "src/*/b", false)]
    [InlineData("src/*/a", "src/**", true)]
    [InlineData("src/*", "src/*/*", false)]
    [InlineData("{a,b}/c", "{b,d}/?", true)]
    [InlineData("{a,b}/c", "{x,d}/?", false)]
    [InlineData("**/a/**", "**/b/**", true)]
    public void Patterns_overlap(string one, string other, bool overlap)
    {
        KeyPattern.Parse(one).Overlaps(KeyPattern.Parse(other), new()).ShouldBe(overlap);
        KeyPattern.Parse(other).Overlaps(KeyPattern.Parse(one), new()).ShouldBe(overlap);
    }

    /// <summary>Against a regular expression made from the same pattern by other rules, for every word over a small alphabet.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Covering_is_what_a_regular_expression_says(int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < 60; i++)
        {
            var text = Pattern(random, 5);
            var pattern = KeyPattern.Parse(text);
            var regex = new Regex($@"\A(?:{Translate(text)})\z", RegexOptions.Singleline);
            foreach (var word in Words) pattern.Covers(word, new()).ShouldBe(regex.IsMatch(word), $"{text} and {word}");
        }
    }

    /// <summary>
    /// Against all words over a small alphabet: the shortest common word of two patterns with so few parts is never longer than those
    /// looked at. The alphabet has a letter that no pattern names.
    /// </summary>
    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    public void Overlapping_is_having_a_common_word(int seed)
    {
        var random = new Random(seed);
        var (yes, no) = (0, 0);
        for (var i = 0; i < 500; i++)
        {
            var (one, other) = (Pattern(random, 3), Pattern(random, 3));
            var (a, b) = (KeyPattern.Parse(one), KeyPattern.Parse(other));
            var overlap = a.Overlaps(b, new());
            var common = Words.FirstOrDefault(word => a.Covers(word, new()) && b.Covers(word, new()));
            overlap.ShouldBe(common is not null, $"{one} and {other}: {common ?? "no common word"}");
            b.Overlaps(a, new()).ShouldBe(overlap);
            if (overlap) yes++;
            else no++;
        }

        Math.Min(yes, no).ShouldBeGreaterThan(60, "the patterns are too alike to test anything");
    }

    [Fact]
    public void What_the_budget_cannot_exclude_is_a_conflict()
    {
        var one = KeyPattern.Parse("**a**a**a**b");
        var other = KeyPattern.Parse("**a**a**a**c");
        one.Overlaps(other, new()).ShouldBeFalse();
        one.Overlaps(other, new(10)).ShouldBeTrue();
        var key = new string('a', 4096);
        one.Covers(key, new()).ShouldBeFalse();
        one.Covers(key, new(100)).ShouldBeTrue();
    }

    [Fact]
    public void The_worst_patterns_are_compared_within_the_budget_of_a_decision()
    {
        var a = KeyPattern.Parse(string.Concat(Enumerable.Repeat("**a?a?a?a?a?a?a?a?a?a?a?a?a?a", 8)) + "b");
        var b = KeyPattern.Parse(string.Concat(Enumerable.Repeat("**?a?a?a?a?a?a?a?a?a?a?a?a?a", 8)) + "c");
        // Beyond its steps, a budget says that they overlap.
        a.Overlaps(b, new(PatternBudget.OfADecision)).ShouldBeFalse();
        a.Covers(new string('a', 4096), new(PatternBudget.OfADecision)).ShouldBeFalse();
    }

    private static IEnumerable<string> WordsUpTo(int length)
    {
        var words = new List<string> { "" };
        for (var start = 0; length > 0; length--)
        {
            var end = words.Count;
            for (var i = start; i < end; i++)
                foreach (var letter in "ab/") words.Add(words[i] + letter);
            start = end;
        }

        return words;
    }

    private static string Pattern(Random random, int parts)
    {
        while (true)
        {
            var text = Parts(random, parts, 2);
            if (KeyPattern.TryParse(text, out _, out _)) return text;
        }
    }

    private static string Parts(Random random, int parts, int depth) =>
        string.Concat(Enumerable.Range(0, random.Next(1, parts + 1)).Select(_ => random.Next(12) switch
    {
        < 3 => "a",
        3 => "b",
        4 or 5 => "/",
        6 => "*",
        7 => "**",
        8 => "**/",
        9 => "?",
        10 when depth > 0 => $"{{{Parts(random, 2, depth - 1)},{(random.Next(3) == 0 ? "" : Parts(random, 2, depth - 1))}}}",
        _ => @"\a",
    }));

    /// <summary>The pattern as a regular expression; whether a segment starts is left to look-behind.</summary>
    private static string Translate(string pattern)
    {
        var regex = new StringBuilder();
        for (var i = 0; i < pattern.Length; i++)
        {
            switch (pattern[i])
            {
                case '*' when i + 1 < pattern.Length && pattern[i + 1] == '*':
                    i++;
                    if (i + 1 < pattern.Length && pattern[i + 1] == '/' && SegmentStarts(pattern, i - 1))
                    {
                        i++;
                        regex.Append("(?:.*/)?");
                    }
                    else
                    {
                        regex.Append(".*");
                    }

                    break;
                case '*': regex.Append("[^/]*"); break;
                case '?': regex.Append("[^/]"); break;
                case '{': regex.Append("(?:"); break;
                case '}': regex.Append(')'); break;
                case ',': regex.Append('|'); break;
                case '\\': regex.Append(Regex.Escape(pattern[++i].ToString())); break;
                default: regex.Append(Regex.Escape(pattern[i].ToString())); break;
            }
        }

        return regex.ToString();
    }

    /// <summary>Whether all that may stand before a place ends with a slash, or nothing stands there.</summary>
    private static bool SegmentStarts(string pattern, int at)
    {
        while (true)
        {
            if (at == 0) return true;
            switch (pattern[at - 1])
            {
                case '/': return true;
                case '{':
                    at--;
                    continue;
                case ',':
                    at = Opening(pattern, at - 1);
                    continue;
                case '}':
                    var opening = Opening(pattern, at - 1);
                    return Ends(pattern, opening, at - 1).All(end => SegmentStarts(pattern, end));
                default: return false;
            }
        }
    }

    private static int Opening(string pattern, int at)
    {
        for (var depth = 1; ;)
        {
            at--;
            if (pattern[at] == '}') depth++;
            if (pattern[at] == '{' && --depth == 0) return at;
        }
    }

    private static IEnumerable<int> Ends(string pattern, int opening, int closing)
    {
        var depth = 0;
        for (var i = opening; i <= closing; i++)
        {
            if (pattern[i] == '{') depth++;
            if ((pattern[i] == ',' && depth == 1) || i == closing) yield return i;
            if (pattern[i] == '}') depth--;
        }
    }
}
