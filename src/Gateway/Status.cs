using System.Buffers;
using System.Text;
using System.Text.Json;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Projects;
using Orleans;

namespace Beadhub.Gateway;

/// <summary><c>GET /v1/status</c>: who is there and works on what (contract 13).</summary>
internal sealed class Status(IGrainFactory grains, TimeProvider time)
{
    private static readonly Field<string?> Workspace =
        InQuery.Text("workspace_id", "The workspace that asks", min: 1).AfterCaller(CommonFields.WorkspaceIdOrNull);

    // Of what is asked with a workspace, the repository is not looked at.
    private static readonly Field<string?> Repo = InQuery.Text("repo_id", "Only this repository's agents", 36, 36);

    public static void Map(IEndpointRouteBuilder routes) => routes.Map(
        new RequestGroup("/v1/status", "status", "Who is there, works on what, and what happens")
            .Get("", "getStatus", "Who is there and works on what")
            .Needs(Caller.Reader)
            .Takes(Workspace, Repo)
            .Bind(Read)
            .Answers<StatusView>(),
        routes.Make<Status>().Get);

    private static StatusQuery Read(RequestFields fields)
    {
        var (workspace, repo, repoId) = (fields.Get(Workspace), fields.Get(Repo), (string?)null);
        if (workspace is null && repo is not null && !Names.TryNormalizeUuid(repo, out repoId))
            fields.RefuseAfterCaller(ApiException.Unprocessable("Invalid repo_id format"));
        return new(workspace, repoId);
    }

    private async Task<Answer<StatusView>> Get(StatusQuery query, ProjectIdentity who)
    {
        var status = await grains.GetGrain<IProjectGrain>(who.ProjectId).Status(query);
        if (who.Mode != AuthMode.PublicReader)
            return new Stamped(Answer.Bytes(status, static s => s, Wire.Types.StatusView), time.GetUtcNow());

        var redacted = status with { Agents = [.. status.Agents.Select(a => a with { Member = null })], EscalationsPending = 0 };
        return new Stamped(JsonSerializer.SerializeToUtf8Bytes(redacted, Wire.Types.StatusView), time.GetUtcNow());
    }

    /// <summary>A status body, rendered once, with the time of this answer put in as its last field.</summary>
    private sealed class Stamped(byte[] status, DateTimeOffset now) : Answer<StatusView>(status)
    {
        public override async Task ExecuteAsync(HttpContext httpContext)
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
