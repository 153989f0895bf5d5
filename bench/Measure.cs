namespace Beadhub.Bench;

/// <summary>Ways to measure so that a passing disturbance of the machine touches both sides of a ratio, or counts for nothing.</summary>
internal static class Measure
{
    /// <summary>Takes the measurements in turn, again and again, and answers each one's median.</summary>
    public static async Task<double[]> Alternate(int rounds, params Func<Task<double>>[] measurements)
    {
        var results = Array.ConvertAll(measurements, _ => new double[rounds]);
        for (var round = 0; round < rounds; round++)
        {
            for (var i = 0; i < measurements.Length; i++)
                results[i][round] = await measurements[i]();
        }
        return Array.ConvertAll(results, Median);
    }

    public static double Median(double[] values) => Percentile(values, 0.5);

    public static double Percentile(double[] values, double part)
    {
        var sorted = values.Order().ToArray();
        return sorted[(int)Math.Min(sorted.Length - 1, sorted.Length * part)];
    }
}
