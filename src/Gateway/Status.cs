using System.Buffers;
using System.Text;
using System.Text.Json;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>GET /v1/status</c>: who is there and works on what (contract 13).</summary>
internal sealed class Status(IGrainFactory grains, Identification identification, TimeProvider time)
{
    public static void Map(IEndpointRouteBuilder routes) =>
        routes.Get("/v1/status", routes.Make<Status>().Get).WithTags("status").Says("Who is there and works on what", 401, 404, 422);

    private async Task<IResult> Get(HttpContext http)
    {
        var query = new QueryFields(http.Request);
        var workspace = query.Text("workspace_id", min: 1);
        var repo = query.Text("repo_id", 36, 36);
        query.Done();

        var who = await identification.Of(http);
        var workspaceId = CommonFields.WorkspaceIdOrNull(workspace);
        string? repoId = null;
        if (workspaceId is null && repo is not null && !Names.TryNormalizeUuid(repo, out repoId)) throw ApiException.Unprocessable("Invalid repo_id format");
        var status = await grains.GetGrain<IProjectGrain>(who.ProjectId).Status(new(workspaceId, repoId));
        if (who.Mode != AuthMode.PublicReader) return new Stamped(Answer.Bytes(status, static s => s, Wire.Types.StatusView), time.GetUtcNow());

        var redacted = status with { Agents = [.. status.Agents.Select(a => a with { Member = null })], EscalationsPending = 0 };
        return new Stamped(JsonSerializer.SerializeToUtf8Bytes(redacted, Wire.Types.StatusView), time.GetUtcNow());
    }

    /// <summary>A status body, rendered once, with the time of this answer put in as its last field.</summary>
    private sealed class Stamped(byte[] status, DateTimeOffset now) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            Span<char> time = stackalloc char[40];
            var length = IsoTime.Format(now, "+00:00", time);
            ReadOnlySpan<byte> field = ",\"timestamp\":\""u8;
            var total = status.Length - 1 + field.Length + length + 2;
            httpContext.Response.ContentType = Wire.Json;
            httpContext.Response.ContentLength = total;
            // In pieces: a span as large as the whole would be fresh memory on every request.
            var writer = httpContext.Response.BodyWriter;
            writer.Write(status.AsSpan(0, status.Length - 1));
            writer.Write(field);
            Span<byte> utf8 = stackalloc byte[length + 2];
            Encoding.ASCII.GetBytes(time[..length], utf8);
            "\"}"u8.CopyTo(utf8[length..]);
            writer.Write(utf8);
            return Task.CompletedTask;
        }
    }
}
