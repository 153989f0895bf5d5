using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Beadhub.Conversations;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>GET /v1/conversations</c>: the caller's mail threads and chat sessions in one list (protocol 10.2).</summary>
internal sealed class Conversations(IGrainFactory grains, Identification identification)
{
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.Get("/v1/conversations", routes.Make<Conversations>().List).WithTags("conversations")
            .Says("Mail threads and chat sessions, newest first", 401, 403, 404, 422);

    private async Task<Answer<ConversationList>> List(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var cursor = query.Text("cursor");
        var limit = query.Integer("limit", 50, 1, 100);
        query.Done();

        var actor = await identification.ActorOf(http);
        var (before, olderThan) = Place(cursor);
        var page = await grains.GetGrain<IConversationsGrain>(actor.ProjectId).List(new(actor.Id, limit, before, olderThan));
        return Answer.Of(new ConversationList(page.Conversations, page.Next is { } next ? Cursor.Encode(json => json.WriteNumber("before", next)) : null), Wire.Types.ConversationList);
    }

    // The reference's cursor is the last item's time; who makes one of that is understood. Ours tells apart what has the same time.
    private static (long? Before, DateTimeOffset? OlderThan) Place(string? text)
    {
        if (string.IsNullOrEmpty(text)) return (null, null);
        if (text.Length <= 40 && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)) return (null, time);
        return Cursor.Decode(text) is { } cursor && cursor.TryGetProperty("before", out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var before)
            ? (before, null)
            : throw Cursor.Invalid("no place in the list");
    }
}

/// <summary>A page of conversations.</summary>
internal sealed record ConversationList(ImmutableArray<ConversationRow> Conversations, string? NextCursor);
