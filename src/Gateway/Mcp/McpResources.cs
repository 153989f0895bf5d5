using System.Text;
using System.Text.Json;
using Beadhub.Gateway.Http;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Streaming;
using Beadhub.Mail;
using ModelContextProtocol.Protocol;

namespace Beadhub.Gateway.Mcp;

/// <summary>The resources: what each shows, and which events change it.</summary>
internal sealed class McpResources(InnerRequests api)
{
    private const string Status = "beadhub://status", Policy = "beadhub://policy", Inbox = "beadhub://inbox", Board = "beadhub://board";
    private const string Bead = "beadhub://beads/";

    public ListResourcesResult List { get; } = new()
    {
        Resources =
        [
            Resource(Status, "Status", "Who is there and works on what in the project"),
            Resource(Policy, "Policy", "The rules that all agents follow, and the playbooks of the roles"),
            Resource(Inbox, "Inbox", "Your unread mail, newest first"),
            Resource(Board, "Board", "Beads that can be started now, and who works on which"),
        ],
    };

    public ListResourceTemplatesResult Templates { get; } = new()
    {
        ResourceTemplates =
        [
            new() { UriTemplate = Bead + "{bead_id}", Name = "Bead", Description = "One bead with its texts", MimeType = Wire.Json },
        ],
    };

    /// <summary>What a resource shows now, as JSON.</summary>
    /// <exception cref="CallFailedException">There is none of this name.</exception>
    public async Task<string> Read(HttpContext http, ProjectIdentity who, string uri)
    {
        return uri switch
        {
            Status => await Get("/v1/status"),
            Policy => Encoding.UTF8.GetString(PolicyTools.WithMcpWords(await api.Run(http, "GET", "/v1/policies/active")).Span),
            Inbox => await Get("/v1/messages/inbox", new("?unread_only=true")),
            Board => $$"""{"ready":{{await Get("/v1/beads/ready", Own("limit", "50"))}},"claims":{{await Get("/v1/claims")}}}""",
            _ when BeadOf(uri) is { } id => await Get($"/v1/beads/issues/{id}"),
            _ => throw Unknown(uri),
        };

        async Task<string> Get(string path, QueryString query = default) =>
            Encoding.UTF8.GetString((await api.Run(http, "GET", path, query)).Span);

        QueryString Own(string name, string value) =>
            QueryString.Create("workspace_id", who.AgentId ?? who.ProjectId).Add(name, value);
    }

    /// <summary>Refuses the name of no resource.</summary>
    public static void MustExist(string uri)
    {
        if (uri is not (Status or Policy or Inbox or Board) && BeadOf(uri) is null) throw Unknown(uri);
    }

    /// <summary>Whether what was written may have changed what a reader sees of a resource.</summary>
    public static bool Concerns(string uri, Touched touched, ProjectIdentity who) => uri switch
    {
        Status => touched.Kind is "bead" or "project" or "workspace" or "escalations",
        Policy => touched.Kind == "policies",
        Inbox => touched.Kind == "mailbox" && who.AgentId is { } agent && touched.Key == IMailboxGrain.Key(who.ProjectId, agent),
        Board => touched.Kind == "bead",
        _ => touched.Kind == "bead" && touched.Key.EndsWith($"/{uri[Bead.Length..]}", StringComparison.Ordinal),
    };

    private static string? BeadOf(string uri) =>
        uri.StartsWith(Bead, StringComparison.Ordinal) && uri[Bead.Length..] is var id && Names.IsBeadId(id) ? id : null;

    private static CallFailedException Unknown(string uri) =>
        new(McpEndpoint.InvalidParams, $"Unknown resource: {(uri.Length <= 200 ? uri : "(a long uri)")}");

    private static Resource Resource(string uri, string name, string description) =>
        new() { Uri = uri, Name = name, Description = description, MimeType = Wire.Json };
}

/// <summary>
/// Which resources clients want to hear of, by session. They are kept in memory, beside the event stream that tells of them: a client whose
/// stream is on another node, or whose node has restarted, subscribes again.
/// </summary>
internal sealed class McpSubscriptions
{
    private const int MostUris = 100;
    private const int MostSessions = 2000;

    private readonly Dictionary<(string Caller, string Session), HashSet<string>> _sessions = [];
    private readonly Queue<(string Caller, string Session)> _inOrder = [];

    /// <summary>Adds a resource.</summary>
    /// <exception cref="CallFailedException">The session has too many.</exception>
    public void Add(string caller, string session, string uri)
    {
        lock (_sessions)
        {
            if (!_sessions.TryGetValue((caller, session), out var uris))
            {
                // The oldest go: whoever begins sessions for ever must not fill the memory.
                if (_inOrder.Count == MostSessions) _sessions.Remove(_inOrder.Dequeue());
                _sessions[(caller, session)] = uris = [];
                _inOrder.Enqueue((caller, session));
            }

            if (uris.Count == MostUris && !uris.Contains(uri))
                throw new CallFailedException(McpEndpoint.InvalidParams, $"At most {MostUris} resources may be subscribed to");
            uris.Add(uri);
        }
    }

    /// <summary>Takes a resource away.</summary>
    public void Remove(string caller, string session, string uri)
    {
        lock (_sessions) _sessions.GetValueOrDefault((caller, session))?.Remove(uri);
    }

    /// <summary>The resources of a session.</summary>
    public string[] Of(string caller, string session)
    {
        lock (_sessions) return [.. _sessions.GetValueOrDefault((caller, session)) ?? []];
    }
}

/// <summary>What a session's event stream tells: that resources have changed.</summary>
internal sealed class ResourceUpdates(
    FeedHub hub, ProjectFeed feed, ProjectIdentity who, Func<string[]> uris) : IStreamedEvents
{
    public long Newest => feed.Last;

    public long Position { get; private set; } = feed.Last;

    public Task News => feed.News;

    public Task Begin(Stream to, CancellationToken ended) => Task.CompletedTask;

    public async Task<bool> Write(Stream to, CancellationToken ended)
    {
        (var touched, Position) = await feed.Touches(Position);
        var wrote = false;
        foreach (var uri in uris().Where(uri => touched.Any(one => McpResources.Concerns(uri, one, who))))
        {
            wrote = true;
            await to.WriteAsync(McpEvent.Of(json =>
            {
                json.WriteString("method", NotificationMethods.ResourceUpdatedNotification);
                json.WriteStartObject("params");
                json.WriteString("uri", uri);
                json.WriteEndObject();
            }), ended);
        }

        return wrote;
    }

    public async ValueTask Look() => await feed.CatchUp();

    public async ValueTask DisposeAsync() => await hub.Leave(who.ProjectId);
}

/// <summary>Messages as server-sent events.</summary>
internal static class McpEvent
{
    /// <summary>A message that the server begins.</summary>
    public static byte[] Of(Action<Utf8JsonWriter> content)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Wire.WriterOptions))
        {
            json.WriteStartObject();
            json.WriteString("jsonrpc", "2.0");
            content(json);
            json.WriteEndObject();
        }

        return Of(buffer.ToArray());
    }

    /// <summary>A message that is there as JSON.</summary>
    public static byte[] Of(ReadOnlySpan<byte> json) => [.. "event: message\ndata: "u8, .. json, .. "\n\n"u8];
}
