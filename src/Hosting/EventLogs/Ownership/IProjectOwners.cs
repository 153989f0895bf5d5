namespace Beadhub.Hosting.EventLogs.Ownership;

/// <summary>Which projects this process owns, so that what it knows of them is all there is.</summary>
internal interface IProjectOwners
{
    /// <summary>Number of the grant by which a project is owned at a time (ticks of the monotonic clock): above zero while nobody else can
    /// write to it.</summary>
    long Grant(string project, long now);

    /// <summary>Takes the project if it is nobody's.</summary>
    /// <returns>The grant; zero when it is another's, or is shared for the time being.</returns>
    ValueTask<long> Take(string project);
}
