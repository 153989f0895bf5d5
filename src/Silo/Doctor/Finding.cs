namespace Beadhub.Silo.Doctor;

/// <summary>What was found about one thing.</summary>
/// <param name="Verdict">How bad it is.</param>
/// <param name="What">The thing, in a word or two.</param>
/// <param name="Message">What was found; never a secret.</param>
/// <param name="Remedy">What to do about it; null when nothing is to be done.</param>
internal sealed record Finding(Verdict Verdict, string What, string Message, string? Remedy = null)
{
    public static Finding Ok(string what, string says) => new(Verdict.Ok, what, says);

    public static Finding Warn(string what, string says, string remedy) => new(Verdict.Warn, what, says, remedy);

    public static Finding Fail(string what, string says, string remedy) => new(Verdict.Fail, what, says, remedy);
}
