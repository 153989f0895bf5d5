using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Locks;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// <c>/v1/reservations</c>: advisory locks on resource keys (protocol 9). Beyond the protocol, several keys can be reserved at once, all or none,
/// and a key can be a pattern that covers others (<see cref="KeyPattern"/>) when the request says so.
/// </summary>
internal sealed class Reservations(IGrainFactory grains, Identification identification)
{
    private const int MaxKey = 4096;
    private const int MaxKeysAtOnce = 256;
    private const int MaxPatternsAtOnce = 16;
    private const int MaxMetadata = 64 * 1024;
    private const int MaxMetadataDepth = 32;
    private const int DefaultTtl = 60;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Reservations>();
        var group = routes.MapGroup("/v1/reservations").WithTags("reservations");
        group.Post("", endpoints.Acquire).Says("Reserve keys or patterns of keys, all or none", 401, 403, 404, 422)
            .Answers<ReservationAnswer>().Refuses<ReservationHeld>(409);
        group.Post("/renew", endpoints.Renew).Says("Set a new end, counted from now", 401, 403, 404, 409, 422);
        group.Post("/release", endpoints.Release).Says("Give a key back", 401, 403, 404, 409, 422);
        group.Post("/revoke", endpoints.Revoke).Says("Give back all of one's keys, or those with a prefix", 401, 403, 404, 422);
        group.Get("", endpoints.List).Says("What is reserved now, by key", 401);
    }

    private async Task<IResult> Acquire(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        var isPattern = body.Flag("pattern");
        if (body.IsDryRun) NoteKeys(body);
        var isList = body.Has("resource_keys");
        var keys = isList ? Keys(body, isPattern) : [Key(body)];
        if (isPattern) CheckPatterns(body, keys, isList);
        var ttl = body.AtLeast("ttl_seconds", 1, DefaultTtl);
        var metadata = body.Object("metadata", MaxMetadata, MaxMetadataDepth) ?? "{}";
        body.Only("resource_key", "resource_keys", "pattern", "ttl_seconds", "metadata");
        body.Done();

        var actor = await identification.ActorOf(http);
        var id = http.NewId();
        var outcome = await Locks(actor.ProjectId).Acquire(new(id, keys, isPattern, actor.Id, actor.Alias, ttl, metadata, http.MayRepeat()));
        if (outcome.Conflicts.Length > 0) return new HeldReservation(outcome.Conflicts);
        return isList
            ? Answer.Of(new ReservationsAnswer("acquired", actor.ProjectId, id, keys, isPattern, actor.Id, actor.Alias, outcome.AcquiredAt, outcome.ExpiresAt), Wire.Types.ReservationsAnswer)
            : Answer.Of(new ReservationAnswer("acquired", actor.ProjectId, id, keys[0], isPattern, actor.Id, actor.Alias, outcome.AcquiredAt, outcome.ExpiresAt), Wire.Types.ReservationAnswer);
    }

    private async Task<Answer<RenewedAnswer>> Renew(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        var key = Key(body);
        var ttl = body.AtLeast("ttl_seconds", 1, DefaultTtl);
        body.Only("resource_key", "ttl_seconds");
        body.Done();

        var actor = await identification.ActorOf(http);
        var expiresAt = await Locks(actor.ProjectId).Renew(new(key, actor.Id, ttl));
        return Answer.Of(new RenewedAnswer("renewed", key, expiresAt), Wire.Types.RenewedAnswer);
    }

    private async Task<Answer<ReleasedAnswer>> Release(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        var key = Key(body);
        body.Only("resource_key");
        body.Done();

        var actor = await identification.ActorOf(http);
        await Locks(actor.ProjectId).Release(key, actor.Id);
        return Answer.Of(new ReleasedAnswer("released", key), Wire.Types.ReleasedAnswer);
    }

    private async Task<Answer<RevokedAnswer>> Revoke(HttpContext http)
    {
        using var body = await BodyFields.Read(http);
        var prefix = body.Optional("prefix", max: MaxKey);
        body.Only("prefix");
        body.Done();

        var actor = await identification.ActorOf(http);
        var keys = await Locks(actor.ProjectId).Revoke(prefix, actor.Id);
        return Answer.Of(new RevokedAnswer("revoked", keys.Length, keys.Length, keys), Wire.Types.RevokedAnswer);
    }

    private async Task<Answer<ReservationItems>> List(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var prefix = query.Text("prefix", MaxKey);
        query.Done();

        var who = await identification.Of(http);
        var list = await Locks(who.ProjectId).List(prefix);
        return Answer.Shared(list, held => ReservationItems.Of(who.ProjectId, held), Wire.Types.ReservationItems);
    }

    private ILocksGrain Locks(string projectId) => grains.GetGrain<ILocksGrain>(projectId);

    private static string Key(BodyFields body)
    {
        var key = body.Required("resource_key", 1, MaxKey);
        if (key.Contains('\0')) body.Fail("resource_key", "resource_key must not contain NUL characters");
        return key;
    }

    // One of the two must be there, whichever it is.
    private static void NoteKeys(BodyFields body)
    {
        body.Optional("resource_key", 1, MaxKey);
        body.Texts("resource_keys");
    }

    private static ImmutableArray<string> Keys(BodyFields body, bool isPattern)
    {
        if (body.Has("resource_key")) body.Fail("resource_key", "Give resource_key or resource_keys, not both");
        var keys = body.Texts("resource_keys");
        var most = isPattern ? MaxPatternsAtOnce : MaxKeysAtOnce;
        if (keys.Count == 0 && body.Errors.Count == 0) body.Fail("resource_keys", "resource_keys must name at least one key");
        else if (keys.Count > most) body.Fail("resource_keys", $"resource_keys may name at most {most} {(isPattern ? "patterns" : "keys")}");
        else if (keys.Any(key => key.Length == 0)) body.Fail("resource_keys", "a key must not be empty");
        else if (keys.Any(key => key.Length > MaxKey && Names.CodePoints(key) > MaxKey)) body.Fail("resource_keys", $"a key has at most {MaxKey} characters");
        else if (keys.Any(key => key.Contains('\0'))) body.Fail("resource_keys", "a key must not contain NUL characters");
        return [.. keys.Distinct(StringComparer.Ordinal)];
    }

    private static void CheckPatterns(BodyFields body, ImmutableArray<string> patterns, bool isList)
    {
        if (body.Errors.Count > 0) return;
        foreach (var text in patterns)
            if (!KeyPattern.TryParse(text, out _, out var problem)) body.Fail(isList ? "resource_keys" : "resource_key", $"Invalid pattern: {problem}");
    }
}

/// <summary>A key was reserved (protocol 9.2).</summary>
internal sealed record ReservationAnswer(
    string Status,
    string ProjectId,
    string ReservationId,
    string ResourceKey,
    bool Pattern,
    string HolderAgentId,
    string HolderAlias,
    DateTimeOffset AcquiredAt,
    DateTimeOffset ExpiresAt);

/// <summary>Several keys were reserved at once.</summary>
internal sealed record ReservationsAnswer(
    string Status,
    string ProjectId,
    string ReservationId,
    ImmutableArray<string> ResourceKeys,
    bool Pattern,
    string HolderAgentId,
    string HolderAlias,
    DateTimeOffset AcquiredAt,
    DateTimeOffset ExpiresAt);

/// <summary>409: another reservation is in the way; flat, as clients read it (protocol 9.2).</summary>
internal sealed class HeldReservation(ImmutableArray<ReservationConflict> conflicts) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        var first = conflicts[0];
        var held = new ReservationHeld(
            "Reservation is already held",
            first.HolderAgentId,
            first.HolderAlias,
            first.ExpiresAt,
            first.Key,
            [.. conflicts.Select(c => new ConflictItem(c.Key, c.HeldKey, c.HeldIsPattern, c.HolderAgentId, c.HolderAlias, c.ExpiresAt))]);
        httpContext.Response.StatusCode = StatusCodes.Status409Conflict;
        Answer.Write(httpContext.Response, JsonSerializer.SerializeToUtf8Bytes(held, Wire.Types.ReservationHeld));
        return Task.CompletedTask;
    }
}

/// <summary>Body of that 409: the first of what is in the way, and all of it.</summary>
internal sealed record ReservationHeld(
    string Detail, string HolderAgentId, string HolderAlias, DateTimeOffset ExpiresAt, string ResourceKey, ImmutableArray<ConflictItem> Conflicts);

/// <summary>A key asked for, and what stands in its way.</summary>
internal sealed record ConflictItem(string ResourceKey, string HeldKey, bool Pattern, string HolderAgentId, string HolderAlias, DateTimeOffset ExpiresAt);

/// <summary>A reservation has a new end.</summary>
internal sealed record RenewedAnswer(string Status, string ResourceKey, DateTimeOffset ExpiresAt);

/// <summary>A key is free, or was.</summary>
internal sealed record ReleasedAnswer(string Status, string ResourceKey);

/// <summary>Keys were given back; in the words of both families of clients (protocol 9.5).</summary>
internal sealed record RevokedAnswer(string Status, int Deleted, int RevokedCount, ImmutableArray<string> RevokedKeys);

/// <summary>What is reserved, by key (protocol 9.6).</summary>
internal sealed record ReservationItems(ImmutableArray<ReservationItem> Reservations, int Count)
{
    public static ReservationItems Of(string projectId, ReservationList list) =>
        new([.. list.Reservations.Select(held => ReservationItem.Of(projectId, held))], list.Reservations.Length);
}

/// <summary>A reservation in the list, with what either family of clients reads of it.</summary>
internal sealed record ReservationItem(
    string ProjectId,
    string ReservationId,
    string ResourceKey,
    bool Pattern,
    string HolderAgentId,
    string HolderAlias,
    DateTimeOffset AcquiredAt,
    DateTimeOffset ExpiresAt,
    int TtlRemainingSeconds,
    bool Exclusive,
    string? Reason,
    string? BeadId,
    [property: JsonConverter(typeof(RawJson))] string Metadata)
{
    public static ReservationItem Of(string projectId, ReservationView held)
    {
        var (reason, beadId) = ((string?)null, (string?)null);
        if (held.Metadata.Length > 2)
        {
            using var metadata = JsonDocument.Parse(held.Metadata);
            (reason, beadId) = (Text(metadata.RootElement, "reason"), Text(metadata.RootElement, "bead_id"));
        }

        return new(
            projectId,
            held.ReservationId,
            held.Key,
            held.IsPattern,
            held.HolderAgentId,
            held.HolderAlias,
            held.AcquiredAt,
            held.ExpiresAt,
            held.SecondsLeft,
            Exclusive: true,
            reason,
            beadId,
            held.Metadata);
    }

    private static string? Text(JsonElement metadata, string name) =>
        metadata.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
