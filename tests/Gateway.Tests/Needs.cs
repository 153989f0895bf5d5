using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>
/// Every operation is asked without credentials, with another project's, and as a public reader, and answers as it says in <c>x-needs</c>
/// what
/// its caller must be. The operations are the server's own: a new one is met here too.
/// </summary>
[OnAnyStore]
public abstract class NeedsContract(Store store) : ContractTests(store)
{
    private static readonly int[] NoCaller = [401, 403];

    [Fact]
    public async Task Every_operation_asks_for_the_caller_that_it_says()
    {
        var team = await EndedAgentsContract.Team.Make(NewProject());
        var stranger = await NewProject().Agent("stranger");
        var (plain, observer) = (await team.Peer.Project.Agent("plain"), await team.Peer.Project.Agent("observer"));
        await team.Peer.Project.Give(observer, "observer");
        var reader = Api.With(ProxyHeaders.Public(team.Peer.ProjectId));
        var before = await team.Seen();
        var wrong = new List<string>();
        var met = new HashSet<string>();

        // Last of all those by which the stranger may end itself.
        foreach (var (name, path, operation) in (await Operations())
            .OrderBy(operation => operation.Path.StartsWith("/v1/agents/me", StringComparison.Ordinal)))
        {
            if (!operation.TryGetProperty("x-needs", out var stated))
            {
                wrong.Add($"{name}: says of no caller");
                continue;
            }

            var need = stated.GetString()!;
            met.Add(need);
            var isRead = name.StartsWith("GET ", StringComparison.Ordinal);
            var isStream = operation.At("responses").TryGetProperty("200", out var ok) && ok.TryGetProperty("content", out var content)
                && content.Has("text/event-stream");

            var nobody = await Ask(Api);
            if (need == "nobody" ? NoCaller.Contains(nobody.Status)
                : nobody.Status != 401) wrong.Add($"{name} ({need}), without credentials: {nobody}");

            // Whoever reads a stream waits for its end.
            if (!isStream || need != "reader")
            {
                var asReader = await Ask(reader);
                if (!Fits(need, isRead, asReader.Status)) wrong.Add($"{name} ({need}), as a public reader: {asReader}");
            }

            if (!isStream)
            {
                var asStranger = await Ask(stranger);
                var isRefused = need == "admin" || (need == "workspace" && await Names(team, path, operation));
                if (isRefused && asStranger.Status != 403) wrong.Add($"{name} ({need}), as a stranger: {asStranger}");
                if (need != "nobody" && asStranger.Text.Contains(team.Peer.ProjectId,
                    StringComparison.Ordinal)) wrong.Add($"{name}, to a stranger: {asStranger}");
            }

            // Who changes what others may do is known afterwards.
            if (need is "lead" or "owner-or-lead" or "admin" or "key" && !isRead && !operation.TryGetProperty("x-audited", out _)
                && path is not ("/v1/stream-tickets" or "/v1/workspaces/register"))
                wrong.Add($"{name} ({need}): is not audited");

            // Every role of the project, where it may not: an agent what is the lead's or another's, an observer all writes.
            if (need is "lead" or "owner-or-lead" && await Ask(plain) is { Status: not 403 } asAgent)
                wrong.Add($"{name} ({need}), as an agent: {asAgent}");
            if (need is "lead" or "owner-or-lead" or "project" or "actor" or "workspace" && !isRead && !OfTheKey(path)
                && await Ask(observer) is { Status: not 403 } asObserver)
                wrong.Add($"{name} ({need}), as an observer: {asObserver}");

            Task<Answer> Ask(Api caller) => caller.Send(
                new HttpMethod(name.Split(' ')[0]), EndedAgentsContract.Path(team, path, operation, team.Peer),
                EndedAgentsContract.Content(team, operation, team.Peer));
        }

        wrong.ShouldBeEmpty();
        met.ShouldBe(["nobody", "reader", "project", "member", "actor", "workspace", "key", "admin", "peer", "lead", "owner-or-lead"],
            ignoreOrder: true);
        (await team.Seen()).ShouldBe(before);
    }

    // Where the workspace may be left out, the caller's own is meant.
    private static async Task<bool> Names(EndedAgentsContract.Team team, string path, JsonElement operation)
    {
        using var content = EndedAgentsContract.Content(team, operation, team.Peer);
        var body = content is null ? "" : await content.ReadAsStringAsync();
        return (EndedAgentsContract.Path(team, path, operation, team.Peer) + body).Contains(team.Peer.Id, StringComparison.Ordinal);
    }

    // An observer changes and ends its own key.
    private static bool OfTheKey(string path) => path.StartsWith("/v1/agents/me/keys", StringComparison.Ordinal);

    // Signed headers alone are no key, and readers of a public project are no administrators.
    private static bool Fits(string need, bool isRead, int status) => need switch
    {
        "nobody" or "reader" when isRead => !NoCaller.Contains(status),
        // What is open to readers is so by GET only; and of a workspace that they name they may read what is no secret.
        "nobody" or "reader" => status != 401,
        "workspace" when isRead => status != 401,
        "key" or "admin" or "peer" => status == 401,
        _ => status == 403,
    };

    private async Task<IEnumerable<(string Name, string Path, JsonElement Operation)>> Operations() =>
        from path in (await Api.Get("/openapi/v1.json").Ok()).GetProperty("paths").EnumerateObject()
        from operation in path.Value.EnumerateObject()
        select ($"{operation.Name.ToUpperInvariant()} {path.Name}", path.Name, operation.Value);
}
