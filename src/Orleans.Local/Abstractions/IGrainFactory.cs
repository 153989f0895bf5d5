namespace Orleans;

/// <summary>Makes references to grains. A grain always exists; its first call activates it.</summary>
public interface IGrainFactory
{
    /// <summary>A reference to the grain of that key; cheap, makes no call.</summary>
    /// <param name="primaryKey">The key, not empty.</param>
    /// <param name="grainClassNamePrefix">Start of the full name of the class, when several implement the interface.</param>
    TGrainInterface GetGrain<TGrainInterface>(string primaryKey, string? grainClassNamePrefix = null)
        where TGrainInterface : IGrainWithStringKey;
}
