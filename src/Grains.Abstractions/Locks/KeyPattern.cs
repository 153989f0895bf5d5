using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Beadhub.Locks;

/// <summary>
/// A pattern that covers many resource keys, so that <c>src/api/**</c> can be reserved as one. <c>*</c> stands for any characters but a
/// slash, <c>?</c> for one such character, <c>**</c> for any characters at all, <c>**/</c> at the start of a segment for any folders or
/// none, <c>{a,b}</c> for one of several; a backslash takes the next character as it is. Everything else stands for itself, brackets too,
/// as they are common in file names.
/// </summary>
/// <remarks>Kept as a small automaton. Two patterns overlap exactly when the product of their automata reaches an end; both sizes are
/// bounded, and so is the work.</remarks>
public sealed class KeyPattern
{
    /// <summary>Longest pattern, in characters.</summary>
    public const int MaxLength = 256;

    /// <summary>Most <c>**</c> in one pattern.</summary>
    public const int MaxDeep = 8;

    private readonly ImmutableArray<Step> _steps;
    private readonly int _start;
    private readonly string _prefix;

    private KeyPattern(string text, ImmutableArray<Step> steps, int start, string prefix) =>
        (Text, _steps, _start, _prefix) = (text, steps, start, prefix);

    /// <summary>The pattern as written.</summary>
    public string Text { get; }

    private enum Kind
    {
        End,
        Character,
        NotSlash,
        Any,
        Either,
    }

    /// <summary>A state of the automaton: takes a character and goes on, or goes on in either of two ways without one.</summary>
    private readonly record struct Step(Kind Kind, int Character = 0, int Next = 0, int Or = 0)
    {
        public bool Takes(int character) => Kind switch
        {
            Kind.Character => Character == character,
            Kind.NotSlash => character != '/',
            Kind.Any => true,
            _ => false,
        };

        public bool Meets(in Step other) => Kind switch
        {
            Kind.Character => other.Takes(Character),
            Kind.NotSlash => other.Kind is not Kind.Character || other.Character != '/',
            _ => true,
        };
    }

    /// <summary>Reads a pattern.</summary>
    /// <param name="text">The text.</param>
    /// <param name="pattern">The pattern.</param>
    /// <param name="problem">What is wrong with the text, when something is.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out KeyPattern? pattern, [NotNullWhen(false)] out string? problem)
    {
        (pattern, problem) = (null, null);
        if (text.Length == 0) problem = "a pattern must not be empty";
        else if (text.Length > MaxLength && Names.CodePoints(text) > MaxLength) problem = $"a pattern has at most {MaxLength} characters";
        else
        {
            var reader = new Reader(text);
            problem = reader.Read();
            if (problem is null) pattern = new(text, reader.Steps, reader.Start, reader.Prefix);
        }

        return problem is null;
    }

    /// <summary>The pattern of a text that was accepted before.</summary>
    public static KeyPattern Parse(string text) =>
        TryParse(text, out var pattern, out var problem) ? pattern : throw new FormatException(problem);

    /// <summary>Whether the pattern covers a key; also true when the budget does not suffice to exclude it.</summary>
    public bool Covers(string key, PatternBudget budget)
    {
        if (!key.StartsWith(_prefix, StringComparison.Ordinal)) return false;
        var (now, next) = (new States(_steps), new States(_steps));
        now.Add(_start);
        foreach (var rune in key.EnumerateRunes())
        {
            next.Clear();
            foreach (var state in now.Takers)
                if (_steps[state].Takes(rune.Value)) next.Add(_steps[state].Next);
            if (!budget.Spend(now.Takers.Count + 1)) return true;
            if (next.IsEmpty) return false;
            (now, next) = (next, now);
        }

        return now.HasEnd;
    }

    /// <summary>Whether some text is covered by both patterns; also true when the budget does not suffice to exclude it.</summary>
    public bool Overlaps(KeyPattern other, PatternBudget budget)
    {
        var common = Math.Min(_prefix.Length, other._prefix.Length);
        if (!_prefix.AsSpan(0, common).SequenceEqual(other._prefix.AsSpan(0, common))) return false;

        var width = other._steps.Length;
        var seen = new ulong[((_steps.Length * width) + 63) / 64];
        var open = new Stack<int>();
        Reach(_start, other._start);
        while (open.TryPop(out var pair))
        {
            if (!budget.Spend(1)) return true;
            var (at, otherAt) = (pair / width, pair % width);
            var (mine, theirs) = (_steps[at], other._steps[otherAt]);
            if (mine.Kind == Kind.Either)
            {
                Reach(mine.Next, otherAt);
                Reach(mine.Or, otherAt);
            }
            else if (theirs.Kind == Kind.Either)
            {
                Reach(at, theirs.Next);
                Reach(at, theirs.Or);
            }
            else if (mine.Kind == Kind.End || theirs.Kind == Kind.End)
            {
                if (mine.Kind == theirs.Kind) return true;
            }
            else if (mine.Meets(theirs))
            {
                Reach(mine.Next, theirs.Next);
            }
        }

        return false;

        void Reach(int left, int right)
        {
            var pair = (left * width) + right;
            ref var word = ref seen[pair / 64];
            if ((word & (1UL << (pair % 64))) != 0) return;
            word |= 1UL << (pair % 64);
            open.Push(pair);
        }
    }

    /// <summary>States reached so far, without repeats.</summary>
    private sealed class States(ImmutableArray<Step> steps)
    {
        private readonly int[] _round = new int[steps.Length];
        private readonly Stack<int> _open = new();
        private int _current = 1;

        /// <summary>States that wait for a character.</summary>
        public List<int> Takers { get; } = [];

        public bool HasEnd { get; private set; }

        public bool IsEmpty => Takers.Count == 0 && !HasEnd;

        public void Clear()
        {
            _current++;
            Takers.Clear();
            HasEnd = false;
        }

        public void Add(int state)
        {
            _open.Push(state);
            while (_open.TryPop(out var at))
            {
                if (_round[at] == _current) continue;
                _round[at] = _current;
                var step = steps[at];
                if (step.Kind == Kind.End)
                {
                    HasEnd = true;
                }
                else if (step.Kind == Kind.Either)
                {
                    _open.Push(step.Or);
                    _open.Push(step.Next);
                }
                else
                {
                    Takers.Add(at);
                }
            }
        }
    }

    /// <summary>Reads the text from its end to its start, so that each part knows what follows it.</summary>
    private sealed class Reader(string text)
    {
        private readonly int[] _text = [.. text.EnumerateRunes().Select(rune => rune.Value)];
        private readonly List<Step> _steps = [new(Kind.End)];
        private int _at;
        private int _deep;

        public ImmutableArray<Step> Steps => [.. _steps];

        public int Start { get; private set; }

        /// <summary>What every key begins with.</summary>
        public string Prefix { get; private set; } = "";

        public string? Read()
        {
            try
            {
                var (parts, _) = Sequence(atSegmentStart: true, inBraces: false);
                if (_deep > MaxDeep) return $"a pattern has at most {MaxDeep} times **";
                var prefix = new StringBuilder();
                foreach (var part in parts.TakeWhile(part => part.Kind == PartKind.Character))
                    prefix.Append(new Rune(part.Character).ToString());
                Prefix = prefix.ToString();
                Start = Compile(parts, 0);
                return null;
            }
            catch (FormatException wrong)
            {
                return wrong.Message;
            }
        }

        private enum PartKind
        {
            Character,
            One,
            Several,
            Deep,
            Folders,
            Choice,
        }

        private readonly record struct Part(PartKind Kind, int Character = 0, List<List<Part>>? Options = null);

        private (List<Part> Parts, bool EndsAtSegmentStart) Sequence(bool atSegmentStart, bool inBraces)
        {
            List<Part> parts = [];
            while (_at < _text.Length)
            {
                var character = _text[_at];
                if (inBraces && character is ',' or '}') break;
                _at++;
                switch (character)
                {
                    case '\\':
                        if (_at == _text.Length) throw new FormatException("a backslash must be followed by a character");
                        parts.Add(new(PartKind.Character, _text[_at]));
                        atSegmentStart = _text[_at++] == '/';
                        break;
                    case '?':
                        parts.Add(new(PartKind.One));
                        atSegmentStart = false;
                        break;
                    case '*' when Next('*'):
                        _at++;
                        _deep++;
                        var folders = atSegmentStart && Next('/');
                        if (folders) _at++;
                        parts.Add(new(folders ? PartKind.Folders : PartKind.Deep));
                        atSegmentStart = folders;
                        break;
                    case '*':
                        parts.Add(new(PartKind.Several));
                        atSegmentStart = false;
                        break;
                    case '{':
                        (var choice, atSegmentStart) = Choice(atSegmentStart);
                        parts.Add(choice);
                        break;
                    case '}':
                        throw new FormatException("a closing brace has no opening one");
                    default:
                        parts.Add(new(PartKind.Character, character));
                        atSegmentStart = character == '/';
                        break;
                }
            }

            return (parts, atSegmentStart);
        }

        private (Part Choice, bool EndsAtSegmentStart) Choice(bool atSegmentStart)
        {
            List<List<Part>> options = [];
            var allEndAtSegmentStart = true;
            while (true)
            {
                var (option, endsAtSegmentStart) = Sequence(atSegmentStart, inBraces: true);
                options.Add(option);
                allEndAtSegmentStart &= endsAtSegmentStart;
                if (_at == _text.Length) throw new FormatException("an opening brace has no closing one");
                if (_text[_at++] == '}') return (new(PartKind.Choice, Options: options), allEndAtSegmentStart);
            }
        }

        private bool Next(int character) => _at < _text.Length && _text[_at] == character;

        private int Compile(List<Part> parts, int next)
        {
            for (var i = parts.Count - 1; i >= 0; i--) next = Compile(parts[i], next);
            return next;
        }

        private int Compile(Part part, int next)
        {
            switch (part.Kind)
            {
                case PartKind.Character: return Add(new(Kind.Character, part.Character, next));
                case PartKind.One: return Add(new(Kind.NotSlash, Next: next));
                case PartKind.Several: return Repeat(Kind.NotSlash, next);
                case PartKind.Deep: return Repeat(Kind.Any, next);
                case PartKind.Folders: return Add(new(Kind.Either, Next: Repeat(Kind.Any, Add(new(Kind.Character, '/', next))), Or: next));
                default:
                    var options = part.Options!;
                    var start = Compile(options[^1], next);
                    for (var i = options.Count - 2; i >= 0; i--) start = Add(new(Kind.Either, Next: Compile(options[i], next), Or: start));
                    return start;
            }
        }

        private int Repeat(Kind kind, int next)
        {
            var either = Add(default);
            var taker = Add(new(kind, Next: either));
            _steps[either] = new(Kind.Either, Next: taker, Or: next);
            return either;
        }

        private int Add(Step step)
        {
            _steps.Add(step);
            return _steps.Count - 1;
        }
    }
}

/// <summary>How much comparing of patterns one decision may cost, in steps. What cannot be excluded within it counts as a
/// conflict.</summary>
public sealed class PatternBudget(long steps = PatternBudget.OfADecision)
{
    /// <summary>Steps of one decision: some tens of milliseconds.</summary>
    public const long OfADecision = 10_000_000;

    private long _left = steps;

    /// <summary>Takes steps; false when there are none left.</summary>
    public bool Spend(int steps) => (_left -= steps) >= 0;
}
