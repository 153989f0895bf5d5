using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Beadhub.Conversations;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>GET /v1/conversations</c>: the caller's mail threads and chat sessions in one list (protocol 10.2).</summary>
internal sealed class Conversations(IGrainFactory grains)
{
    private static readonly Field<int> Limit = InQuery.Limit(50, 100);
    private static readonly Field<(long? Before, DateTimeOffset? OlderThan)> Begin =
        InQuery.Text("cursor", "Where the page begins: next_cursor of the page before, or a time").AfterCaller(Place);

    public static void Map(IEndpointRouteBuilder routes) => routes.Map(
        new RequestGroup("/v1/conversations", "conversations", "Mail threads and chat sessions in one list")
            .Get("", "listConversations", "Mail threads and chat sessions, newest first").Needs(Caller.Actor)
            .Takes(Limit, Begin)
            .Bind(static fields => (Begin: fields.Get(Begin), Limit: fields.Get(Limit)))
            .Answers(Wire.Types.ConversationList),
        routes.Make<Conversations>().List);

    private async Task<ConversationList> List(((long? Before, DateTimeOffset? OlderThan) Begin, int Limit) query, Actor actor)
    {
        var page = await grains.GetGrain<IConversationsGrain>(actor.ProjectId)
            .List(new(actor.Id, query.Limit, query.Begin.Before, query.Begin.OlderThan));
        return new(page.Conversations, page.Next is { } next ? Cursor.Encode(json => json.WriteNumber("before", next)) : null);
    }

    // The reference's cursor is the last item's time; who makes one of that is understood. Ours tells apart what has the same time.
    private static (long? Before, DateTimeOffset? OlderThan) Place(string? text)
    {
        if (string.IsNullOrEmpty(text)) return (null, null);
        if (text.Length <= 40 && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
            return (null, time);
        return Cursor.Decode(text) is { } cursor && cursor.TryGetProperty("before", out var value)
            && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var before)
            ? (before, null)
            : throw Cursor.Invalid("no place in the list");
    }
}

/// <summary>A page of conversations.</summary>
internal sealed record ConversationList(ImmutableArray<ConversationRow> Conversations, string? NextCursor);
