using System.Collections.Immutable;
using Beadhub.Identities;

namespace Beadhub.Webhooks;

/// <summary>An endpoint.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Url">Where deliveries go.</param>
/// <param name="Events">What it wants; empty for all.</param>
/// <param name="Secret">Key of the signatures as it is; empty when it is kept under seal.</param>
/// <param name="Position">How far it is known to have come.</param>
/// <param name="CreatedAt">When it was registered.</param>
/// <param name="CreatedBy">By whom.</param>
public sealed record Webhook(
    string Id, string Url, ImmutableArray<string> Events, string Secret, long Position, DateTimeOffset CreatedAt, string? CreatedBy)
{
    /// <summary>The key of the signatures under seal.</summary>
    public string? SealedSecret { get; init; }

    /// <summary>Whether it is served.</summary>
    public bool IsActive { get; init; } = true;

    /// <summary>Failures in a row.</summary>
    public int Failures { get; init; }

    /// <summary>When the first of them was.</summary>
    public DateTimeOffset? FailingSince { get; init; }

    /// <summary>What was last wrong.</summary>
    public string? LastError { get; init; }

    /// <summary>When that was.</summary>
    public DateTimeOffset? LastErrorAt { get; init; }

    /// <summary>When a delivery was last noted.</summary>
    public DateTimeOffset? LastDeliveredAt { get; init; }

    internal WebhookTarget Target(Seal seal) => new(View(), SealedSecret is { } closed ? seal.OpenText(closed) : Secret);

    internal WebhookView View() =>
        new(Id, Url, Events, IsActive, Position, Failures, LastError, LastErrorAt, LastDeliveredAt, CreatedAt, CreatedBy);
}
