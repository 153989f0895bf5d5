namespace Orleans;

/// <summary>The grains as code outside of them sees them.</summary>
public interface IClusterClient : IGrainFactory
{
    /// <summary>Services of the process.</summary>
    IServiceProvider ServiceProvider { get; }
}
