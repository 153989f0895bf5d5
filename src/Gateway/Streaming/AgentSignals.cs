using System.Collections.Frozen;
using System.Collections.Immutable;
using Beadhub.Chat;
using Beadhub.Controls;
using Beadhub.Feed;
using Beadhub.Mail;
using Beadhub.Tasks;

namespace Beadhub.Gateway.Streaming;

/// <summary>Events of the log for which an agent's event stream wakes it (protocol 11). Events without an entry here wake nobody.</summary>
internal static class AgentSignals
{
    private static readonly string Mail = NameOf<MailDelivered>();
    private static readonly string Chat = NameOf<ChatMessageSent>();
    private static readonly string Control = NameOf<ControlSignalled>();
    private static readonly FrozenSet<string> Tasks = new[]
    {
        NameOf<TaskCreated>(), NameOf<TaskChanged>(), NameOf<TaskStatusChanged>(), NameOf<TaskDeleted>(), NameOf<TaskDependencyAdded>(),
            NameOf<TaskDependencyRemoved>(), NameOf<TaskPut>(),
    }.ToFrozenSet();

    /// <summary>What the event means to agents; null when it means nothing to them.</summary>
    // By the name first: most events are about beads, and reading them a second time would cost every watcher.
    public static AgentSignal? Of(FeedEvent stored) => stored.Type switch
    {
        var type when type == Mail => EventTypes.Parse(stored.Type, stored.Data) is MailDelivered e
            ? new MailSignal(e.ToAgentId, e.MessageId, AgentFrames.Mail(e.MessageId, e.FromAlias, e.Subject))
            : null,
        var type when type == Chat => EventTypes.Parse(stored.Type, stored.Data) is ChatMessageSent e
            ? new ChatSignal(e.To, e.MessageId, AgentFrames.Chat(e.MessageId, e.FromAlias, LastPart(stored.Key)))
            : null,
        var type when type == Control => new ControlWaits(LastPart(stored.Key)),
        var type when Tasks.Contains(type) => new TasksMoved(stored.Version),
        _ => null,
    };

    private static string LastPart(string key) => key[(key.IndexOf('/') + 1)..];

    private static string NameOf<T>() =>
        ((Orleans.AliasAttribute)typeof(T).GetCustomAttributes(typeof(Orleans.AliasAttribute), false)[0]).Alias;
}

/// <summary>Something for which an agent is woken.</summary>
internal abstract record AgentSignal
{
    /// <summary>Whether it concerns this agent.</summary>
    public abstract bool Concerns(string agentId);

    /// <summary>Bytes of what it shows.</summary>
    public virtual int Size => 0;
}

/// <summary>A mail came.</summary>
internal sealed record MailSignal(string ToAgentId, string MessageId, byte[] Frame) : AgentSignal
{
    public override bool Concerns(string agentId) => agentId == ToAgentId;

    public override int Size => Frame.Length;
}

/// <summary>Another has written in one of the agent's chat sessions.</summary>
internal sealed record ChatSignal(ImmutableArray<ChatParticipant> To, string MessageId, byte[] Frame) : AgentSignal
{
    public override bool Concerns(string agentId)
    {
        foreach (var participant in To)
            if (participant.AgentId == agentId) return true;
        return false;
    }

    public override int Size => Frame.Length;
}

/// <summary>A control signal waits. What it says is told only to the stream that takes it.</summary>
internal sealed record ControlWaits(string ToAgentId) : AgentSignal
{
    public override bool Concerns(string agentId) => agentId == ToAgentId;
}

/// <summary>Native tasks changed: what an agent could work on, or is to work on, may be something else now.</summary>
/// <param name="Version">Version of the tasks that holds the change.</param>
internal sealed record TasksMoved(long Version) : AgentSignal
{
    public override bool Concerns(string agentId) => true;
}
