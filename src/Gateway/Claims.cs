using System.Collections.Immutable;
using Beadhub.Boards;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>GET /v1/claims</c>: who works on which bead (contract 9.1).</summary>
internal sealed class Claims(IGrainFactory grains, Identification identification)
{
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.Get("/v1/claims", routes.Make<Claims>().List).WithTags("claims").Says("Claims, newest first", 401, 422);

    private async Task<Answer<ClaimList>> List(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var workspace = query.Text("workspace_id");
        var limit = query.Integer("limit", 50, 1, 200);
        var cursorText = query.Text("cursor");
        query.Done();

        var who = await identification.Of(http);
        var workspaceId = CommonFields.WorkspaceIdOrNull(workspace);
        var cursor = Cursor.Decode(cursorText);
        var after = cursor?.Time("claimed_at") is { } claimedAt ? new ClaimCursor(claimedAt, cursor.Value.Text("bead_id"), cursor.Value.Text("workspace_id")) : null;
        var page = await grains.GetGrain<IBoardGrain>(who.ProjectId).Claims(new(workspaceId, limit, after));
        return Answer.Shared(page, ToList, Wire.Types.ClaimList);
    }

    private static ClaimList ToList(ClaimPage page) => new(page.Claims, page.Next is not null, page.Next is { } next
        ? Cursor.Encode(c =>
        {
            c.WriteString("claimed_at", IsoTime.Text(next.ClaimedAt));
            if (next.BeadId is not null) c.WriteString("bead_id", next.BeadId);
            if (next.WorkspaceId is not null) c.WriteString("workspace_id", next.WorkspaceId);
        })
        : null);
}

/// <summary>A page of claims.</summary>
internal sealed record ClaimList(ImmutableArray<ClaimRow> Claims, bool HasMore, string? NextCursor);
