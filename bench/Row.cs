namespace Beadhub.Bench;

/// <summary>A figure beside its reference from the same run.</summary>
internal sealed record Row(string What, string Against, double Figure, double Reference, string Unit, Goal Goal, string Note = "")
{
    public double Ratio => Figure / Reference;
}
