using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Locks;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// <c>/v1/reservations</c>: advisory locks on resource keys (protocol 9). Beyond the protocol, several keys can be reserved at once, all
/// or none,
/// and a key can be a pattern that covers others (<see cref="KeyPattern"/>) when the request says so.
/// </summary>
internal sealed class Reservations(IGrainFactory grains)
{
    private const int MaxKey = 4096;
    private const int DefaultTtl = 60;

    private static readonly Field<string> Key =
        InBody.Required("resource_key", "What is reserved: the path of a file, or any other name", 1, MaxKey).Example("src/api/users.cs")
            .Must(static key => !key.Contains('\0'), "resource_key must not contain NUL characters");

    private static readonly Field<long> Ttl =
        InBody.AtLeast("ttl_seconds", "How long from now: 60 to 3600 seconds; 60 unless given", 1, DefaultTtl);
    private static readonly Field<string?> PrefixToRevoke = InBody.Optional("prefix", "Only keys that begin so", max: MaxKey);
    private static readonly Field<string?> Prefix = InQuery.Text("prefix", "Only keys that begin so", MaxKey);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<Reservations>();
        var requests = new RequestGroup("/v1/reservations", "reservations", "Advisory locks on resources, for a limited time");
        routes.Map(
            requests.Post("", "acquireReservation", "Reserve keys or patterns of keys, all or none").Needs(Caller.Actor)
                .TakesOnly(AcquireReservation.Fields).Fails<ReservationHeld>(409).RepeatsFromResult()
                .Bind(AcquireReservation.Read)
                .Answers<ReservationAnswer>(),
            endpoints.Acquire);
        routes.Map(
            requests.Post("/renew", "renewReservation", "Set a new end, counted from now").Needs(Caller.Actor)
                .TakesOnly(Key, Ttl).RepeatsFromResult()
                .Bind(static fields => (Key: fields.Get(Key), Ttl: fields.Get(Ttl)))
                .Answers(Wire.Types.RenewedAnswer),
            async (renew, actor) =>
                new("renewed", renew.Key, await endpoints.Locks(actor.ProjectId).Renew(new(renew.Key, actor.Id, renew.Ttl))));
        routes.Map(
            requests.Post("/release", "releaseReservation", "Give a key back").Needs(Caller.Actor)
                .TakesOnly(Key).RepeatsFromResult()
                .Bind(static fields => fields.Get(Key))
                .Answers(Wire.Types.ReleasedAnswer),
            endpoints.Release);
        routes.Map(
            requests.Post("/revoke", "revokeReservations", "Give back all of one's keys, or those with a prefix").Needs(Caller.Actor)
                .TakesOnly(PrefixToRevoke).RepeatsFromResult()
                .Bind(static fields => fields.Get(PrefixToRevoke))
                .Answers(Wire.Types.RevokedAnswer),
            endpoints.Revoke);
        routes.Map(
            requests.Get("", "listReservations", "What is reserved now, by key").Needs(Caller.Reader)
                .Takes(Prefix)
                .Bind(static fields => fields.Get(Prefix))
                .Answers<ReservationItems>(),
            endpoints.List);
    }

    private async Task<Answer<ReservationAnswer>> Acquire(AcquireReservation request, Actor actor, HttpContext http)
    {
        var id = http.NewId();
        var outcome = await Locks(actor.ProjectId).Acquire(
            new(id, request.Keys, request.IsPattern, actor.Id, actor.Alias, request.Seconds, request.Metadata));
        if (outcome.Conflicts.Length > 0) return Answer.Refusal(409, ReservationHeld.By(outcome.Conflicts), Wire.Types.ReservationHeld);
        return Answer.Of(
            new ReservationAnswer(
                "acquired", actor.ProjectId, id, request.IsList ? null : request.Keys[0], request.IsList ? request.Keys : null,
                request.IsPattern, actor.Id,
                actor.Alias, outcome.AcquiredAt, outcome.ExpiresAt),
            Wire.Types.ReservationAnswer);
    }

    private async Task<ReleasedAnswer> Release(string key, Actor actor)
    {
        await Locks(actor.ProjectId).Release(key, actor.Id);
        return new("released", key);
    }

    private async Task<RevokedAnswer> Revoke(string? prefix, Actor actor)
    {
        var keys = await Locks(actor.ProjectId).Revoke(prefix, actor.Id);
        return new("revoked", keys.Length, keys.Length, keys);
    }

    private async Task<Answer<ReservationItems>> List(string? prefix, ProjectIdentity who) =>
        Answer.Shared(await Locks(who.ProjectId).List(prefix), list =>
            ReservationItems.Of(who.ProjectId, list), Wire.Types.ReservationItems);

    private ILocksGrain Locks(string projectId) => grains.GetGrain<ILocksGrain>(projectId);

    /// <summary>What is to be reserved.</summary>
    /// <param name="Keys">Keys, each once.</param>
    /// <param name="IsList">Whether they came as a list.</param>
    /// <param name="IsPattern">Whether they cover others.</param>
    /// <param name="Seconds">How long.</param>
    /// <param name="Metadata">Anything about it, as JSON.</param>
    private sealed record AcquireReservation(ImmutableArray<string> Keys, bool IsList, bool IsPattern, long Seconds, string Metadata)
    {
        private const int MaxKeysAtOnce = 256;
        private const int MaxPatternsAtOnce = 16;
        private const int MaxMetadata = 64 * 1024;
        private const int MaxMetadataDepth = 32;

        // One of the two must be there, whichever it is.
        private static readonly Field<string> OneKey = InBody.Of(Key.Name, Key.Schema, required: false, Key.Read);
        private static readonly Field<List<string>> Several = InBody.Texts("resource_keys", "Several at once, all or none");

        private static readonly Field<bool> Pattern =
            InBody.Flag("pattern", "Whether it is a pattern that covers others, with *, **, ? and {a,b}");

        private static readonly Field<string?> About =
            InBody.Object("metadata", "Anything about it, such as the reason", MaxMetadata, MaxMetadataDepth);

        public static readonly Field[] Fields = [OneKey, Several, Pattern, Ttl, About];

        public static AcquireReservation Read(RequestFields fields)
        {
            var isPattern = fields.Get(Pattern);
            var isList = fields.Has(Several);
            var keys = isList ? ReadKeys(fields, isPattern) : [fields.Get(OneKey)];
            if (isPattern && fields.Errors.Count == 0)
                foreach (var text in keys)
                    if (!KeyPattern.TryParse(text, out _, out var problem))
                        fields.Fail(isList ? Several : OneKey, $"Invalid pattern: {problem}");
            return new(keys, isList, isPattern, fields.Get(Ttl), fields.Get(About) ?? "{}");
        }

        private static ImmutableArray<string> ReadKeys(RequestFields fields, bool isPattern)
        {
            if (fields.Has(OneKey)) fields.Fail(OneKey, "Give resource_key or resource_keys, not both");
            var keys = fields.Get(Several);
            var most = isPattern ? MaxPatternsAtOnce : MaxKeysAtOnce;
            var problem = keys.Count == 0 && fields.Errors.Count == 0 ? "resource_keys must name at least one key"
                : keys.Count > most ? $"resource_keys may name at most {most} {(isPattern ? "patterns" : "keys")}"
                : keys.Any(key => key.Length == 0) ? "a key must not be empty"
                : keys.Any(key => key.Length > MaxKey && Names.CodePoints(key) > MaxKey) ? $"a key has at most {MaxKey} characters"
                : keys.Any(key => key.Contains('\0')) ? "a key must not contain NUL characters"
                : null;
            if (problem is not null) fields.Fail(Several, problem);
            return [.. keys.Distinct(StringComparer.Ordinal)];
        }
    }
}

/// <summary>What was reserved (protocol 9.2): one key, or a list when it was asked for as one.</summary>
internal sealed record ReservationAnswer(
    string Status,
    string ProjectId,
    string ReservationId,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? ResourceKey,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ImmutableArray<string>? ResourceKeys,
    bool Pattern,
    string HolderAgentId,
    string HolderAlias,
    DateTimeOffset AcquiredAt,
    DateTimeOffset ExpiresAt);

/// <summary>409: other reservations are in the way; the first of them flat, as clients read it (protocol 9.2), and all.</summary>
internal sealed record ReservationHeld(
    string Detail, string HolderAgentId, string HolderAlias, DateTimeOffset ExpiresAt, string ResourceKey,
    ImmutableArray<ConflictItem> Conflicts)
{
    public static ReservationHeld By(ImmutableArray<ReservationConflict> conflicts) => new(
        "Reservation is already held", conflicts[0].HolderAgentId, conflicts[0].HolderAlias, conflicts[0].ExpiresAt, conflicts[0].Key,
        [.. conflicts.Select(c => new ConflictItem(c.Key, c.HeldKey, c.HeldIsPattern, c.HolderAgentId, c.HolderAlias, c.ExpiresAt))]);
}

/// <summary>A key asked for, and what stands in its way.</summary>
internal sealed record ConflictItem(string ResourceKey, string HeldKey, bool Pattern, string HolderAgentId, string HolderAlias,
    DateTimeOffset ExpiresAt);

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
