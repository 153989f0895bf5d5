using System.Text;
using Beadhub.Testing;

namespace Beadhub.Bench;

/// <summary>POST requests of several agents in turn as a Lua script for wrk.</summary>
internal static class PostScript
{
    private static int _runs;

    /// <summary>A number that no other run of the bench's scripts has: texts made with it are new.</summary>
    public static int NextRun() => Interlocked.Increment(ref _runs);

    /// <summary>Each request is the next agent's.</summary>
    /// <param name="agents">Who sends.</param>
    /// <param name="request">
    /// Lua that sets <c>path</c> and <c>body</c>, and <c>key</c> for an <c>Idempotency-Key</c>; <c>n</c> is the number of the request,
    /// <c>caller</c> the index of the agent, both from 0.
    /// </param>
    public static string Write(IReadOnlyList<Agent> agents, string request)
    {
        var script = new StringBuilder("local keys = {\n");
        foreach (var agent in agents) script.Append($"  \"{agent.Key}\",\n");
        return script.Append($$"""
            }
            local n = -1
            function request()
                n = n + 1
                local caller = n % #keys
                local path, body, key
                {{request}}
                return "POST "..path.." HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer "..keys[caller + 1].."\r\nContent-Type: application/json"..(key and "\r\nIdempotency-Key: "..key or "").."\r\nContent-Length: "..#body.."\r\n\r\n"..body
            end
            """).ToString();
    }
}
