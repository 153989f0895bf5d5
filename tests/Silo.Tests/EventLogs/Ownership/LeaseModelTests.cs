using Beadhub.Hosting.EventLogs.Ownership;
using FsCheck;
using FsCheck.Fluent;

namespace Beadhub.Silo.Tests.EventLogs.Ownership;

/// <summary>
/// Whatever the order in which nodes renew, stand still, end each other, take, lend and write, and however long each message is on its way:
/// never do two trust that they own a project, and nothing is written past one who does.
/// </summary>
public sealed class LeaseModelTests
{
    private static readonly Arbitrary<int[]> Steps = Arb.From(
        Gen.Choose(0, int.MaxValue).ArrayOf(800), static steps => steps.Length < 8 ? []
            : Enumerable.Range(0, 8).Select(i => steps.Where((_, at) => at * 8 / steps.Length != i).ToArray()));

    private static Config Of(int tests) => Config.QuickThrowOnFailure.WithMaxTest(tests).WithQuietOnSuccess(true);

    [Fact]
    public void Two_never_trust_and_nobody_writes_past_one_who_does()
    {
        var (taken, ended, refused, lent) = (0, 0, 0, 0);
        Check.One(Of(400), Prop.ForAll(Steps, steps =>
        {
            var world = new World(SessionLease.Trust);
            foreach (var step in steps) world.Make(step);
            (taken, ended, refused, lent) = (taken + world.Taken, ended + world.Ended, refused + world.Refused, lent + world.Lent);
            return world.Fault is null;
        }));
        // The orders that matter have come.
        new[] { taken, ended, refused, lent }.ShouldAllBe(count => count > 10);
    }

    [Fact]
    public void The_test_finds_a_trust_that_lasts_longer_than_others_wait() => Should.Throw<Exception>(() =>
        Check.One(Of(1000), Prop.ForAll(Steps, static steps =>
        {
            var world = new World(SessionLease.Patience * 1.5);
            foreach (var step in steps) world.Make(step);
            return world.Fault is null;
        })));

    /// <summary>Three nodes and a store with one project.</summary>
    private sealed class World
    {
        private readonly Dictionary<string, long> _sessions = [];
        private readonly Node[] _nodes;
        private (string Owner, long Fence, bool IsShared)? _owner;
        private long _fences, _now = 1_000_000, _ids, _steps;

        public World(TimeSpan trust) =>
            // Each by a clock of its own.
            _nodes = [.. Enumerable.Range(0, 3).Select(i => new Node(this, trust, i * 1_000_003))];

        public string? Fault { get; private set; }
        public int Taken, Ended, Refused, Lent;

        public void Make(int step)
        {
            var (what, node, more) = (step % 16, _nodes[step / 16 % 3], step / 48);
            _steps++;
            if (what <= 1) _now += more % 400;
            else if (node.StillUntil > _steps) return;
            else if (what <= 4) node.Through(node.Renew);
            else if (what == 5) node.Renew();
            else if (what <= 7) node.Arrive();
            else if (what <= 9) node.Hear();
            else if (what == 10) node.Through(node.Take);
            else if (what == 11) node.Take();
            else if (what == 12) node.Append();
            else if (what == 13) node.Through(node.Append);
            else if (what == 14) node.StillUntil = _steps + more % 300;
            else if (more % 8 == 0) node.Leave();
            else node.Lend();

            if (_nodes.Count(one => one.Trusts) > 1) Fault ??= "two trust";
        }

        private sealed class Node(World world, TimeSpan trust, long ahead)
        {
            private readonly SessionLease _lease = new(trust);
            private readonly Queue<Func<Action>> _sent = new(); // what the store does, and what is heard of it
            private readonly Queue<Action> _answers = new();
            private OwnedProjects? _projects;
            private string _session = "";
            private bool _renewing, _taking;

            private OwnedProjects Projects => _projects ??= new(_lease);

            private long Now => SessionLease.Ticks(TimeSpan.FromMilliseconds(world._now + ahead));

            public bool Trusts => Projects.Grant("p", Now) > 0;

            public long StillUntil { get; set; }

            /// <summary>Does something, and hears at once what came of it, and of all before it.</summary>
            public void Through(Action what)
            {
                what();
                while (_sent.Count > 0) Arrive();
                while (_answers.Count > 0) Hear();
            }

            public void Arrive()
            {
                if (_sent.TryDequeue(out var message)) _answers.Enqueue(message());
            }

            public void Hear()
            {
                if (_answers.TryDequeue(out var answer)) answer();
            }

            public void Renew()
            {
                if (_renewing) return;
                _renewing = true;
                if (_session.Length == 0) world._sessions[_session = $"{++world._ids}"] = 0;
                var (session, sent) = (_session, Now);
                _sent.Enqueue(() =>
                {
                    var others = world._sessions.Where(other => other.Key != session)
                        .Select(other => new SessionCount(other.Key, other.Value)).ToArray();
                    var lives = world._sessions.ContainsKey(session);
                    if (lives) world._sessions[session]++;
                    return () => Renewed(session, lives, others, sent);
                });
            }

            private void Renewed(string session, bool lives, SessionCount[] others, long sent)
            {
                _renewing = false;
                if (session != _session) return;
                if (!lives)
                {
                    _lease.End();
                    Projects.Clear();
                    _session = "";
                    return;
                }

                _lease.Renewed(sent);
                foreach (var still in _lease.Saw(others, sent, Now))
                    _sent.Enqueue(() =>
                    {
                        if (world._sessions.TryGetValue(still.Session, out var count) && count == still.Renewals)
                        {
                            world._sessions.Remove(still.Session);
                            world.Ended++;
                        }

                        return static () => { };
                    });
            }

            public void Take()
            {
                if (_taking || _session.Length == 0 || Trusts || !_lease.IsTrusted(Now)) return;
                _taking = true;
                var session = _session;
                _sent.Enqueue(() =>
                {
                    var may = world._sessions.ContainsKey(session)
                        && (world._owner is not { } owner || owner.Owner == session || !world._sessions.ContainsKey(owner.Owner));
                    var fence = ++world._fences;
                    if (may) world._owner = (session, fence, false);
                    return () =>
                    {
                        _taking = false;
                        if (!may || session != _session) return;
                        Projects.Take("p", fence, Now);
                        world.Taken++;
                    };
                });
            }

            public void Append()
            {
                if (_session.Length == 0) return;
                var session = _session;
                _sent.Enqueue(() =>
                {
                    var may = world._owner is not { } owner || owner.Owner == session || owner.IsShared
                        || !world._sessions.ContainsKey(owner.Owner);
                    if (!may) world.Refused++;
                    else if (world._nodes.Any(other => other != this && other.Trusts)) world.Fault ??= "written past the owner";
                    return static () => { };
                });
            }

            public void Lend()
            {
                if (Projects.Lend("p", Now) is not { } loan) return;
                world.Lent++;
                _sent.Enqueue(() =>
                {
                    if (world._owner is { } owner && owner.Fence == loan.Fence)
                        world._owner = loan.IsShared ? owner with { IsShared = true } : null;
                    return static () => { };
                });
            }

            public void Leave()
            {
                if (_session.Length == 0) return;
                _lease.End();
                Projects.Clear();
                var session = _session;
                _session = "";
                _sent.Enqueue(() =>
                {
                    world._sessions.Remove(session);
                    return static () => { };
                });
            }
        }
    }
}
