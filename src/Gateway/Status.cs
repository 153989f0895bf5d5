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
        routes.Get("/v1/status", routes.Make<Status>().Get).WithTags("status").Says("Who is there and works on what", 401, 404, 422).Answers<StatusView>();

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
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            // Composed on loan and written at once: the web server copies twice what is written before it has sent the headers.
            var buffer = ArrayPool<byte>.Shared.Rent(status.Length + 64);
            try
            {
                var length = Compose(buffer);
                httpContext.Response.ContentType = Wire.Json;
                httpContext.Response.ContentLength = length;
                await httpContext.Response.Body.WriteAsync(buffer.AsMemory(0, length));
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }

        private int Compose(Span<byte> body)
        {
            Span<char> time = stackalloc char[40];
            var timeLength = IsoTime.Format(now, "+00:00", time);
            status.AsSpan(0, status.Length - 1).CopyTo(body);
            var at = status.Length - 1;
            ",\"timestamp\":\""u8.CopyTo(body[at..]);
            at += ",\"timestamp\":\""u8.Length;
            at += Encoding.ASCII.GetBytes(time[..timeLength], body[at..]);
            "\"}"u8.CopyTo(body[at..]);
            return at + 2;
        }
    }
}
