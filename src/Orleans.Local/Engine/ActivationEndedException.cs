namespace Orleans.Local;

/// <summary>A turn of a timer or a subscription came when its activation was ending or had ended; no failure of anybody's.</summary>
internal sealed class ActivationEndedException() : OperationCanceledException("The activation has ended.");
