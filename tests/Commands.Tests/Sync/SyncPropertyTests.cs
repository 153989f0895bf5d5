using System.Text.Json.Nodes;
using Beadhub.BdDouble;
using Beadhub.Commands.Sync;
using FsCheck;
using FsCheck.Fluent;

namespace Beadhub.CommandTests.Sync;

/// <summary>
/// What <c>beadhub sync</c> promises: whatever the order of edits and syncs on three machines, whatever their clocks show and whichever
/// <c>bd</c> they run, and though each goes on while another syncs, in the end all have the same and nobody's words are gone.
/// </summary>
public sealed class SyncPropertyTests
{
    private const int MostBeads = 3;

    private static readonly string[] Texts = ["title", "description", "notes", "assignee"];

    /// <summary>Steps of a team's day, each a number that says who does what.</summary>
    public sealed record Day(int[] Steps, int[] Meanwhile)
    {
        public override string ToString() => $"new([{string.Join(", ", Steps)}], [{string.Join(", ", Meanwhile)}])";
    }

    private static Arbitrary<Day> Days => Arb.From(
        Gen.Choose(0, int.MaxValue).ArrayOf().SelectMany(
            static _ => Gen.Choose(0, int.MaxValue).ArrayOf(30), static (steps, meanwhile) => new Day(steps, meanwhile)),
        static day => day.Steps.Select((_, i) => new Day([.. day.Steps[..i], .. day.Steps[(i + 1)..]], day.Meanwhile))
            .Concat(day.Meanwhile.Select((_, i) => new Day(day.Steps, [.. day.Meanwhile[..i], .. day.Meanwhile[(i + 1)..]]))));

    [Theory]
    [InlineData(BdVersion.Sqlite47, BdVersion.Sqlite47, BdVersion.Sqlite47)]
    [InlineData(BdVersion.Dolt10, BdVersion.Dolt10, BdVersion.Dolt10)]
    [InlineData(BdVersion.Dolt13, BdVersion.Dolt13, BdVersion.Dolt13)]
    [InlineData(BdVersion.Sqlite47, BdVersion.Dolt10, BdVersion.Dolt13)]
    public void No_order_of_edits_and_syncs_loses_anything(BdVersion first, BdVersion second, BdVersion third) =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(200).WithEndSize(60).WithQuietOnSuccess(true),
            Prop.ForAll(Days, async (Day day) => await new World(first, second, third).Lives(day)));

    /// <summary>Three machines and a hub, and what was ever said on them.</summary>
    private sealed class World
    {
        private readonly MemoryHub _hub = new();
        private readonly Machine[] _machines;
        private readonly HashSet<string> _written = [], _replaced = [], _added = [], _closed = [], _ids = [];
        private DateTimeOffset _time = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        private Queue<int> _meanwhile = [];
        private int _words;
        private bool _isNested;

        public World(params BdVersion[] versions)
        {
            // An hour ahead, right, and seven minutes behind.
            TimeSpan[] errors = [TimeSpan.FromHours(1), TimeSpan.Zero, TimeSpan.FromMinutes(-7)];
            _machines = [.. versions.Select((version, i) => new Machine($"{(char)('a' + i)}", version, errors[i], _hub))];
        }

        public async Task<bool> Lives(Day day)
        {
            _meanwhile = new(day.Meanwhile);
            _hub.Meanwhile = Interrupt;
            foreach (var step in day.Steps) await Do(step);

            // Night: nobody works any more, and each machine syncs until nothing moves.
            _hub.Meanwhile = () => Task.CompletedTask;
            for (var round = 0; round < 2; round++)
                foreach (var machine in _machines) await machine.Sync();
            Holds();
            return true;
        }

        // While one machine waits for the hub anybody works, and others sync.
        private async Task Interrupt()
        {
            if (_isNested || !_meanwhile.TryDequeue(out var number) || number % 4 == 0) return;
            _isNested = true;
            Work(_machines[number / 4 % 3], number / 12);
            if (number % 4 > 1) await Sync(_machines[number / 4 % 3]);
            _isNested = false;
        }

        private async Task Do(int step)
        {
            if (step / 3 % 4 == 0) await Sync(_machines[step % 3]);
            else Work(_machines[step % 3], step / 12);
        }

        private async Task Sync(Machine machine)
        {
            if (!_syncing.Add(machine)) return;
            await machine.Sync();
            _syncing.Remove(machine);
        }

        private void Work(Machine machine, int choice)
        {
            // Often several changes fall into one second.
            _time += TimeSpan.FromMilliseconds(300);
            var (what, seed) = (choice % 10, choice / 10);
            var (now, ids) = (machine.Now(_time), machine.Bd.Ids.ToArray());
            var word = $"w{_words++}";
            // Few beads: they are to meet.
            if (ids.Length == 0 || what == 0 && _ids.Count < MostBeads)
            {
                machine.Bd.Create($"{machine.Name}-{_words}", word, now);
                _ids.Add($"{machine.Name}-{_words}");
                _written.Add(word);
                return;
            }

            var id = ids[seed % ids.Length];
            switch (what)
            {
                case 6:
                    _added.Add(word);
                    machine.Bd.Edit(id, now, issue => Add(issue, "labels", word));
                    break;
                case 7:
                    _added.Add(word);
                    machine.Bd.Edit(id, now, issue => Add(issue, "comments", new JsonObject
                        { ["id"] = seed, ["author"] = machine.Name, ["text"] = word, ["created_at"] = "2026-01-01T00:00:00Z" }));
                    break;
                case 8:
                    if (machine.Field(id, "status") == "open") machine.Bd.Edit(id, now, issue => issue["status"] = "in_progress");
                    break;
                case 9:
                    machine.Bd.Close(id, now, "done");
                    _closed.Add(id);
                    break;
                default:
                    var field = Texts[seed / 7 % Texts.Length];
                    if (machine.Field(id, field) is { } had) _replaced.Add(had);
                    _written.Add(word);
                    machine.Bd.Edit(id, now, issue => issue[field] = word);
                    break;
            }
        }

        private readonly HashSet<Machine> _syncing = [];

        private void Holds()
        {
            var hub = _hub.Lines;
            foreach (var machine in _machines)
            {
                machine.Bd.Ids.Order().ShouldBe(_ids.Order());
                foreach (var id in _ids)
                {
                    var mine = JsonNode.Parse(machine.Bd[id]!.ToJsonString())!.AsObject();
                    ThreeWay.Differences(mine, hub[id].Fields).ShouldBeEmpty(
                        $"{machine.Name} {mine.ToJsonString()}\nhub {hub[id].Text}");
                }

                foreach (var id in _closed) machine.Field(id, "status").ShouldBe("closed", id);
                var said = _ids.SelectMany(id => Texts.Select(field => machine.Field(id, field))).OfType<string>()
                    .Concat(_machines.SelectMany(static one => one.Conflicts).Select(static conflict => conflict.Dropped!.Trim('"')))
                    .Concat(_replaced).ToHashSet();
                _written.Where(word => !said.Contains(word)).ShouldBeEmpty("edits that are nowhere");
                var added = _ids.SelectMany(id => machine.Items(id, "labels").Concat(machine.Items(id, "comments"))).ToHashSet();
                _added.Where(word => !added.Contains(word)).ShouldBeEmpty("labels and comments that are nowhere");
            }
        }

        private static void Add(JsonObject issue, string list, JsonNode item)
        {
            if (issue[list] is not JsonArray items) issue[list] = items = [];
            items.Add(item);
        }
    }
}
