using System.Collections.Immutable;
using Beadhub.EventLog;

namespace Beadhub.Projects;

/// <summary>A decision of several steps in the making: each step sees the project as the steps before it leave it.</summary>
internal sealed class Changes(Project project)
{
    private readonly ImmutableArray<IEvent>.Builder _events = ImmutableArray.CreateBuilder<IEvent>();

    /// <summary>The project after the steps so far.</summary>
    public Project Project { get; private set; } = project;

    /// <summary>Lets an event happen.</summary>
    public void Raise(IEvent @event)
    {
        _events.Add(@event);
        Project = Project.Apply(@event);
    }

    /// <summary>All that happened, with the answer to the caller.</summary>
    public Decision<TResult> With<TResult>(TResult result) => new(_events.DrainToImmutable(), result);
}
