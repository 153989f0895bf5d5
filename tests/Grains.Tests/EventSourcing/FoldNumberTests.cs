using System.Collections.Immutable;
using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Beadhub.Chat;
using Beadhub.Conversations;
using Beadhub.EventLog;
using Beadhub.Mail;
using Beadhub.Testing;

namespace Beadhub.Grains.Tests.EventSourcing;

/// <summary>
/// A snapshot is believed by its number alone (<see cref="StreamKind{TState}.Fold"/>). So whoever changes what events lead to must raise
/// that number; this tells them. <c>Folds.txt</c> has a line a kind: its name, its number and a hash of what each of some made-up events
/// does to the states that others lead to.
/// </summary>
public sealed class FoldNumberTests
{
    private const string File = "tests/Grains.Tests/EventSourcing/Folds.txt";
    private const BindingFlags Private = BindingFlags.NonPublic | BindingFlags.Static;

    private static readonly Dictionary<string, (int Fold, string Hash)> Before =
        System.IO.File.ReadLines(Path.Combine(ServerProcess.Root(), File)).Select(line => line.Split(' '))
            .ToDictionary(part => part[0], part => (int.Parse(part[1], CultureInfo.InvariantCulture), part[2]));

    public static TheoryData<Type> States => [.. Kinds().Append(typeof(ConversationIndex))];

    [Theory]
    [MemberData(nameof(States))]
    public void What_events_lead_to_changes_only_with_the_number_of_the_fold(Type state)
    {
        var (kind, fold, steps) = state == typeof(ConversationIndex)
            ? OfConversations()
            : ((string, int, List<string>))Generic(nameof(OfStreams), state).Invoke(null, null)!;
        steps.Count.ShouldBeGreaterThan(1, "no event concerns this state");

        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', steps))))[..16];

        Before.ShouldContainKey(kind, $"{kind} is new: add to {File} the line: {kind} {fold} {hash}");
        var before = Before[kind];
        if (hash == before.Hash && fold == before.Fold) return;
        var number = fold > before.Fold ? fold : before.Fold + 1;
        Assert.Fail($"Events lead {state.Name} to other snapshots than before. Those in the logs that exist would still be believed: "
            + $"raise the Fold of '{kind}' from {before.Fold} to {number}, and let its line in {File} be: {kind} {number} {hash}");
    }

    [Fact]
    public void Every_line_is_of_a_kind_that_there_is() => Before.Count.ShouldBe(States.Count);

    private static IEnumerable<Type> Kinds() =>
        from type in typeof(IEventLog).Assembly.GetTypes()
        where type is { IsClass: true, IsAbstract: false }
            && type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IEventSourced<>))
        orderby type.Name
        select type;

    private static (string Kind, int Fold, List<string> Steps) OfStreams<TState>() where TState : class, IEventSourced<TState>
    {
        var kind = TState.Kind with { Fold = 1 };
        var steps = Walk(TState.Empty, e => e.GetType().Namespace == typeof(TState).Namespace, kind.Save, (state, e) => state.Apply(e));
        return (kind.Name, TState.Kind.Fold, steps);
    }

    private static (string Kind, int Fold, List<string> Steps) OfConversations()
    {
        // The index is changed in place: its events so far stand for it.
        var steps = Walk(ImmutableArray<IEvent>.Empty, e => KindOf(e) is not null, Save, (events, e) => events.Add(e));
        return ("conversations", ConversationIndex.Fold, steps);

        static string Save(ImmutableArray<IEvent> events)
        {
            var index = new ConversationIndex();
            foreach (var e in events)
                index.Take(new("p", index.Position + 1, KindOf(e)!, "p/x1", 1, EventTypes.NameOf(e), EventTypes.Serialize(e), default));
            return JsonSerializer.Serialize(index.Save() with { Fold = 1 }, ConversationsJson.Relaxed.ConversationsSnapshot);
        }

        static string? KindOf(IEvent e) => e switch
        {
            ChatStarted or ChatMessageSent or ChatRead => ChatSession.Kind.Name,
            MailDelivered or MailRead => Mailbox.Kind.Name,
            _ => null,
        };
    }

    /// <summary>What each event does to each state that up to two others lead to: state before, event and state after, a line
    /// each.</summary>
    private static List<string> Walk<TState>(
        TState empty, Func<IEvent, bool> concerns, Func<TState, string> save, Func<TState, IEvent, TState> apply)
    {
        var samples = Samples.Where(concerns).ToArray();
        var steps = new List<string>();
        List<(TState State, string Snapshot)> states = [(empty, Sorted(save(empty)))];
        var met = states.Select(state => state.Snapshot).ToHashSet(StringComparer.Ordinal);
        for (var length = 1; length <= 3; length++)
        {
            var next = new List<(TState, string)>();
            foreach (var (state, before) in states)
            {
                foreach (var sample in samples)
                {
                    try
                    {
                        var after = apply(state, sample);
                        var snapshot = Sorted(save(after));
                        steps.Add($"{before} {EventTypes.NameOf(sample)} {EventTypes.Serialize(sample)} {snapshot}");
                        if (met.Add(snapshot)) next.Add((after, snapshot));
                    }
                    catch (Exception e) when (e is KeyNotFoundException or ArgumentException or InvalidOperationException
                        or NullReferenceException)
                    {
                        // No decision makes this event of that state.
                    }
                }
            }

            states = next;
        }

        steps.Sort(StringComparer.Ordinal);
        return steps;
    }

    private static string Sorted(string json) => Sorted(JsonDocument.Parse(json).RootElement);

    /// <summary>Tables in memory have no order, which differs from run to run.</summary>
    private static string Sorted(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => "{" + Joined(json.EnumerateObject().Select(member => $"{member.Name}:{Sorted(member.Value)}")) + "}",
        JsonValueKind.Array => "[" + Joined(json.EnumerateArray().Select(Sorted)) + "]",
        _ => json.GetRawText(),
    };

    private static string Joined(IEnumerable<string> parts) => string.Join(',', parts.Order(StringComparer.Ordinal));

    private const string IssueLine = """
        {"id":"x1","title":"T","description":"D","status":"blocked","priority":1,"issue_type":"bug","assignee":"a","created_by":"c",
        "labels":["l"],"created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-02T00:00:00Z","close_reason":"r","dependencies":[{"issue_id":"x1",
        "depends_on_id":"x2","type":"blocks"},{"depends_on_id":"x3","type":"parent-child"},{"depends_on_id":"x4","type":"related"}]}
        """;

    /// <summary>Two events of each type: of one thing with all that can be said of it, and of another with no more than must be.</summary>
    private static readonly ImmutableArray<IEvent> Samples =
    [
        .. from type in typeof(IEvent).Assembly.GetTypes()
           where typeof(IEvent).IsAssignableFrom(type) && type is { IsInterface: false, IsPublic: true }
           orderby type.Name
           from full in (bool[])[true, false]
           select (IEvent)Sample(type, "", full)!,
    ];

    private static object? Sample(Type type, string name, bool full)
    {
        if (Nullable.GetUnderlyingType(type) is { } underlying) return full ? Sample(underlying, name, full) : null;
        if (type == typeof(string) && name == "Line") return full ? IssueLine : """{"id":"x2"}""";
        if (type == typeof(string)) return full ? "x1" : "x2";
        if (type == typeof(bool)) return full;
        if (type == typeof(DateTimeOffset)) return DateTimeOffset.UnixEpoch.AddDays(full ? 1 : 2);
        if (type.IsEnum) return Enum.GetValues(type).GetValue(full || Enum.GetValues(type).Length == 1 ? 0 : 1);
        if (type.IsPrimitive) return Convert.ChangeType(full ? 1 : 2, type, CultureInfo.InvariantCulture);
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ImmutableArray<>))
        {
            var item = Sample(type.GetGenericArguments()[0], name, full);
            return Generic(nameof(One), type.GetGenericArguments()).Invoke(null, [item]);
        }

        var constructor = type.GetConstructors().MaxBy(c => c.GetParameters().Length)
            ?? throw new NotSupportedException($"No sample of {type} ({name}) can be made.");
        var values = constructor.GetParameters().Select(p => IsOptional(p) && !full ? null : Sample(p.ParameterType, p.Name!, full));
        return constructor.Invoke([.. values]);
    }

    private static bool IsOptional(ParameterInfo parameter) =>
        new NullabilityInfoContext().Create(parameter).WriteState == NullabilityState.Nullable;

    private static MethodInfo Generic(string method, params Type[] types) =>
        typeof(FoldNumberTests).GetMethod(method, Private)!.MakeGenericMethod(types);

    private static ImmutableArray<T> One<T>(T item) => [item];
}
