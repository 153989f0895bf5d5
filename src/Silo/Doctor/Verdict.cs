namespace Beadhub.Silo.Doctor;

/// <summary>How bad a finding is.</summary>
internal enum Verdict
{
    /// <summary>As it should be.</summary>
    Ok,

    /// <summary>Works, but somebody should look at it.</summary>
    Warn,

    /// <summary>The server does not start, does not serve, or may lose data.</summary>
    Fail,
}
