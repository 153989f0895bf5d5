using Beadhub.Beads;

namespace Beadhub.Boards;

/// <summary>
/// What is left of a project's plan: the issues that are not done, and which of them must be done before which, by the rules of
/// <see cref="Readiness"/>. An issue that waits for one part of many is taken to wait for all of them. Pure; made anew when an issue
/// changes, and kept while only claims do.
/// </summary>
internal sealed class PlanGraph
{
    private const int MaxAncestors = 50;
    private const long LongestMinutes = 10_000_000;

    private readonly Dictionary<BeadRecord, int> _indexes = new(ReferenceEqualityComparer.Instance);
    private readonly int[] _afterStarts, _after, _beforeStarts, _before;
    private readonly Lazy<int[]> _unblocks;
    private readonly Lazy<bool[]> _cuts;

    private PlanGraph(BeadRecord[] nodes, int[][] before, bool[] isHeld)
    {
        Nodes = nodes;
        Minutes = Array.ConvertAll(nodes, static node => Math.Clamp(node.EstimatedMinutes ?? 1, 1, LongestMinutes));
        for (var i = 0; i < nodes.Length; i++) _indexes[nodes[i]] = i;
        (_beforeStarts, _before) = Rows(before);
        (_afterStarts, _after) = Transpose(before);
        Cycles = FindCycles();
        IsStuck = Stuck(isHeld);
        Order = TopologicalOrder();
        (Earliest, Tail, Length) = Levels();
        _unblocks = new(CountUnblocked);
        _cuts = new(FindCuts);
    }

    /// <summary>The issues, in the order of their names.</summary>
    public BeadRecord[] Nodes { get; }

    /// <summary>How long each takes: its estimate, else 1.</summary>
    public long[] Minutes { get; }

    /// <summary>Issues that wait for each other in a circle, each circle by itself.</summary>
    public List<int[]> Cycles { get; }

    /// <summary>Which can never be begun: they are in a circle, wait for an issue that is not stored or is no work, or for one of
    /// these.</summary>
    public bool[] IsStuck { get; }

    /// <summary>Those that are not stuck, none before one that it waits for.</summary>
    public int[] Order { get; }

    /// <summary>In how many minutes each can be begun at the earliest, with as many hands as it takes.</summary>
    public long[] Earliest { get; }

    /// <summary>Minutes from the beginning of each to the end of the longest chain that follows it.</summary>
    public long[] Tail { get; }

    /// <summary>Minutes that the whole takes at least: those of the critical path.</summary>
    public long Length { get; }

    /// <summary>By how many issues each is waited for, through others too.</summary>
    public int[] Unblocks => _unblocks.Value;

    /// <summary>Without which of them the plan falls into more parts than it has (articulation points).</summary>
    public bool[] Cuts => _cuts.Value;

    /// <summary>The issues that wait for one, and the ones it waits for.</summary>
    public ReadOnlySpan<int> After(int node) => _after.AsSpan(_afterStarts[node].._afterStarts[node + 1]);

    /// <inheritdoc cref="After"/>
    public ReadOnlySpan<int> Before(int node) => _before.AsSpan(_beforeStarts[node].._beforeStarts[node + 1]);

    /// <summary>Place of an issue of the board that this was made of; -1 when it is done.</summary>
    public int IndexOf(BeadRecord issue) => _indexes.GetValueOrDefault(issue, -1);

    /// <summary>How much later each can be begun without the whole taking longer. Not for what is stuck.</summary>
    public long Slack(int node) => Length - Earliest[node] - Tail[node];

    /// <summary>The chain that takes longest.</summary>
    public List<int> CriticalPath()
    {
        var path = new List<int>();
        var next = Array.Find(Order, node => Earliest[node] == 0 && Tail[node] == Length);
        for (var left = Length; left > 0;)
        {
            path.Add(next);
            left -= Minutes[next];
            if (left == 0) break;
            foreach (var after in After(next))
            {
                if (IsStuck[after] || Tail[after] != left || Earliest[after] != Length - left) continue;
                next = after;
                break;
            }
        }

        return path;
    }

    /// <summary>The plan that is left of a board.</summary>
    public static PlanGraph Of(Board board)
    {
        var nodes = new List<BeadRecord>();
        foreach (var (_, issues) in board.ByStatus)
        {
            foreach (var issue in issues)
            {
                if (Readiness.IsDone(issue)) break; // all of one status
                nodes.Add(issue);
            }
        }

        nodes.Sort(static (a, b) => (string.CompareOrdinal(a.BeadId, b.BeadId), string.CompareOrdinal(a.Repo, b.Repo),
            string.CompareOrdinal(a.Branch, b.Branch)) switch
        {
            (not 0 and var byId, _, _) => byId,
            (_, not 0 and var byRepo, _) => byRepo,
            var (_, _, byBranch) => byBranch,
        });
        return new Links(board, [.. nodes]).Graph();
    }

    /// <summary>Collects what each issue waits for.</summary>
    private sealed class Links
    {
        private readonly Board _board;
        private readonly BeadRecord[] _nodes;
        private readonly Dictionary<string, int> _first = new(StringComparer.Ordinal);
        private readonly bool[] _isHeld;
        private readonly int[] _seenFor;
        private readonly List<int> _before = [];

        public Links(Board board, BeadRecord[] nodes)
        {
            (_board, _nodes) = (board, nodes);
            for (var i = nodes.Length - 1; i >= 0; i--) _first[nodes[i].BeadId] = i;
            _isHeld = new bool[nodes.Length];
            _seenFor = new int[nodes.Length];
        }

        public PlanGraph Graph()
        {
            var before = new int[_nodes.Length][];
            for (var i = 0; i < _nodes.Length; i++)
            {
                _before.Clear();
                var issue = _nodes[i];
                if (issue.Terms is { IsNoWork: true }) _isHeld[i] = true;
                for (var step = 0; ; step++)
                {
                    AddHolds(i, issue);
                    if (step == MaxAncestors || issue.Parent is not { } parent || Open(parent) is not (>= 0 and var above)) break;
                    issue = _nodes[above];
                }

                before[i] = _before.Count == 0 ? [] : [.. _before];
            }

            return new(_nodes, before, _isHeld);
        }

        private void AddHolds(int node, BeadRecord issue)
        {
            foreach (var blocker in issue.BlockedBy)
            {
                var other = Open(blocker);
                if (other >= 0) Add(node, other);
                else if (_board.Find(blocker) is null) _isHeld[node] = true;
            }

            if (issue.Terms is not { } terms) return;
            foreach (var condition in terms.Conditions)
                if (Open(condition) is >= 0 and var other) Add(node, other);
            foreach (var wait in terms.Waits)
            {
                var parts = Parts(wait.Spawner);
                if (wait.AnyPart && parts.Exists(static part => part.Status == "closed")) continue;
                foreach (var part in parts)
                    if (Index(part.BeadId, part.Repo, part.Branch) is >= 0 and var other) Add(node, other);
            }
        }

        private List<BeadRecord> Parts(BeadRef spawner)
        {
            var parts = new List<BeadRecord>();
            foreach (var id in _board.Dependents.GetValueOrDefault(spawner.BeadId, []))
                foreach (var part in _board.Beads.GetValueOrDefault(id)?.Records ?? [])
                    if (part.Parent == spawner) parts.Add(part);
            return parts;
        }

        private void Add(int node, int other)
        {
            if (_seenFor[other] == node + 1) return;
            _seenFor[other] = node + 1;
            _before.Add(other);
        }

        private int Open(BeadRef reference) => Index(reference.BeadId, reference.Repo, reference.Branch);

        private int Index(string beadId, string repo, string branch)
        {
            if (!_first.TryGetValue(beadId, out var i)) return -1;
            for (; i < _nodes.Length && _nodes[i].BeadId == beadId; i++)
                if (_nodes[i].Repo == repo && _nodes[i].Branch == branch) return i;
            return -1;
        }
    }

    private static (int[] Starts, int[] Items) Rows(int[][] rows)
    {
        var starts = new int[rows.Length + 1];
        for (var i = 0; i < rows.Length; i++) starts[i + 1] = starts[i] + rows[i].Length;
        var items = new int[starts[^1]];
        for (var i = 0; i < rows.Length; i++) rows[i].CopyTo(items, starts[i]);
        return (starts, items);
    }

    private static (int[] Starts, int[] Items) Transpose(int[][] rows)
    {
        var starts = new int[rows.Length + 1];
        foreach (var row in rows)
            foreach (var item in row) starts[item + 1]++;
        for (var i = 0; i < rows.Length; i++) starts[i + 1] += starts[i];
        var items = new int[starts[^1]];
        var next = starts.AsSpan().ToArray();
        for (var i = 0; i < rows.Length; i++)
            foreach (var item in rows[i]) items[next[item]++] = i;
        return (starts, items);
    }

    /// <summary>Strongly connected components of more than one issue, and issues that wait for themselves (Tarjan, without recursion: a
    /// circle may hold all issues).</summary>
    private List<int[]> FindCycles()
    {
        var cycles = new List<int[]>();
        var (number, low, onStack) = (new int[Nodes.Length], new int[Nodes.Length], new bool[Nodes.Length]);
        var (stack, path, places) = (new Stack<int>(), new Stack<int>(), new int[Nodes.Length]);
        var count = 0;
        for (var root = 0; root < Nodes.Length; root++)
        {
            if (number[root] != 0) continue;
            Enter(root);
            while (path.TryPeek(out var node))
            {
                var next = After(node);
                if (places[node] < next.Length)
                {
                    var other = next[places[node]++];
                    if (number[other] == 0) Enter(other);
                    else if (onStack[other]) low[node] = Math.Min(low[node], number[other]);
                    continue;
                }

                path.Pop();
                if (path.TryPeek(out var above)) low[above] = Math.Min(low[above], low[node]);
                if (low[node] != number[node]) continue;
                var component = new List<int>();
                int member;
                do
                {
                    member = stack.Pop();
                    onStack[member] = false;
                    component.Add(member);
                }
                while (member != node);
                if (component.Count == 1 && !After(node).Contains(node)) continue;
                component.Sort();
                cycles.Add([.. component]);
            }
        }

        cycles.Sort(static (a, b) => a[0].CompareTo(b[0]));
        return cycles;

        void Enter(int node)
        {
            number[node] = low[node] = ++count;
            stack.Push(node);
            onStack[node] = true;
            path.Push(node);
        }
    }

    private bool[] Stuck(bool[] isHeld)
    {
        foreach (var cycle in Cycles)
            foreach (var node in cycle) isHeld[node] = true;
        var left = new Queue<int>();
        for (var i = 0; i < isHeld.Length; i++)
            if (isHeld[i]) left.Enqueue(i);
        while (left.TryDequeue(out var node))
        {
            foreach (var after in After(node))
            {
                if (isHeld[after]) continue;
                isHeld[after] = true;
                left.Enqueue(after);
            }
        }

        return isHeld;
    }

    private int[] TopologicalOrder()
    {
        var waits = new int[Nodes.Length];
        var order = new List<int>(Nodes.Length);
        for (var i = 0; i < Nodes.Length; i++)
        {
            if (IsStuck[i]) continue;
            waits[i] = Before(i).Length;
            if (waits[i] == 0) order.Add(i);
        }

        for (var done = 0; done < order.Count; done++)
            foreach (var after in After(order[done]))
                if (!IsStuck[after] && --waits[after] == 0) order.Add(after);
        return [.. order];
    }

    private (long[] Earliest, long[] Tail, long Length) Levels()
    {
        var (earliest, tail, length) = (new long[Nodes.Length], new long[Nodes.Length], 0L);
        foreach (var node in Order)
        {
            foreach (var before in Before(node)) earliest[node] = Math.Max(earliest[node], earliest[before] + Minutes[before]);
            length = Math.Max(length, earliest[node] + Minutes[node]);
        }

        for (var i = Order.Length - 1; i >= 0; i--)
        {
            var node = Order[i];
            foreach (var after in After(node))
                if (!IsStuck[after]) tail[node] = Math.Max(tail[node], tail[after]);
            tail[node] += Minutes[node];
        }

        return (earliest, tail, length);
    }

    /// <summary>
    /// How many issues each reaches. A bit for each pair would be gigabytes for a large plan, so that it is done for one window of issues
    /// after the other: an issue is reached only by those before it in the order.
    /// </summary>
    private int[] CountUnblocked()
    {
        const int Words = 16;
        const int Window = Words * 64;
        var counts = new int[Nodes.Length];
        var place = new int[Nodes.Length];
        for (var i = 0; i < Order.Length; i++) place[Order[i]] = i;
        var reached = new ulong[Order.Length * Words];
        for (var from = 0; from < Order.Length; from += Window)
        {
            var to = Math.Min(from + Window, Order.Length);
            for (var i = to - 1; i >= 0; i--)
            {
                var own = reached.AsSpan(i * Words, Words);
                own.Clear();
                foreach (var after in After(Order[i]))
                {
                    if (IsStuck[after] || place[after] >= to) continue;
                    var other = place[after];
                    var others = reached.AsSpan(other * Words, Words);
                    for (var word = 0; word < Words; word++) own[word] |= others[word];
                    if (other >= from) own[(other - from) / 64] |= 1UL << (other - from) % 64;
                }

                foreach (var word in own) counts[Order[i]] += System.Numerics.BitOperations.PopCount(word);
            }
        }

        return counts;
    }

    /// <summary>Articulation points of the plan without directions (Hopcroft and Tarjan, without recursion).</summary>
    private bool[] FindCuts()
    {
        var cuts = new bool[Nodes.Length];
        var (number, low, places, parent) = (new int[Nodes.Length], new int[Nodes.Length], new int[Nodes.Length], new int[Nodes.Length]);
        var path = new Stack<int>();
        var count = 0;
        for (var root = 0; root < Nodes.Length; root++)
        {
            if (number[root] != 0) continue;
            var branches = 0;
            Enter(root, -1);
            while (path.TryPeek(out var node))
            {
                var after = After(node);
                var before = Before(node);
                if (places[node] < after.Length + before.Length)
                {
                    var place = places[node]++;
                    var other = place < after.Length ? after[place] : before[place - after.Length];
                    if (other == node || other == parent[node]) continue;
                    if (number[other] == 0) Enter(other, node);
                    else low[node] = Math.Min(low[node], number[other]);
                    continue;
                }

                path.Pop();
                if (parent[node] is not (>= 0 and var above)) continue;
                low[above] = Math.Min(low[above], low[node]);
                if (above == root) branches++;
                else if (low[node] >= number[above]) cuts[above] = true;
            }

            cuts[root] = branches > 1;
        }

        return cuts;

        void Enter(int node, int from)
        {
            number[node] = low[node] = ++count;
            parent[node] = from;
            path.Push(node);
        }
    }
}
