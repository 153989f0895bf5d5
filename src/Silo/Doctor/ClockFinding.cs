namespace Beadhub.Silo.Doctor;

/// <summary>What a difference between two clocks means.</summary>
internal static class ClockFinding
{
    /// <param name="who">Whose clock it is compared with.</param>
    /// <param name="ahead">By how much that clock is ahead of this machine's.</param>
    public static Finding Of(string who, TimeSpan ahead)
    {
        var off = ahead.Duration();
        var says = FormattableString
            .Invariant($"{off.TotalSeconds:0.000} s {(ahead < TimeSpan.Zero ? "behind" : "ahead of")} this machine: {who}");
        return off.TotalSeconds switch
        {
            > 30 => Finding.Fail("clock", says, "Set both by NTP: times in events, leases and signatures are wrong by as much."),
            > 1 => Finding.Warn("clock", says, "Set both by NTP."),
            _ => Finding.Ok("clock", says),
        };
    }
}
