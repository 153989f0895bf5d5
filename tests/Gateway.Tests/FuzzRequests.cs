using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>Makes a good request to an operation from its description, and mostly spoils it.</summary>
/// <param name="server">What the server says of itself.</param>
/// <param name="tools">What it says of its tools, in the answer to <c>tools/list</c>.</param>
internal sealed class FuzzRequests(ApiDescription server, JsonElement[] tools)
{
    private const int LongestLine = 32_000;

    private static readonly string[] Methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

    private static readonly string[] Headers =
    [
        "Authorization", "X-BH-Auth", "X-Project-ID", "X-User-ID", "X-API-Key", "X-Aweb-Actor-ID",
            "Accept", "If-None-Match", "Content-Encoding", "Cookie",
        "Host", "Origin", "Sec-Fetch-Site",
    ];

    private static readonly string[] RpcMethods =
        ["initialize", "ping", "tools/list", "resources/list", "resources/read", "notifications/initialized", "foo"];

    /// <summary>One request of a team.</summary>
    /// <param name="operation">What it is to.</param>
    /// <param name="team">Who asks, and what there is to name.</param>
    /// <param name="random">Decides.</param>
    public FuzzedRequest Make(ApiOperation operation, FuzzTeam team, Random random)
    {
        // Administrators may change any project: they hear of none that must not change.
        var isAdmin = operation.Path.StartsWith("/v1/projects", StringComparison.Ordinal) && operation.Path != "/v1/projects/current";
        var values = new FuzzValues(isAdmin ? team with { Bystander = null } : team, random);
        // A good one in four: what is there to be read and changed must be reached at all.
        var spoiled = random.Next(4);
        var method = operation.Method;
        var body = operation.Body is { } schema ? Fields(operation, schema, values, random) : null;
        var query = operation.Parameters.Where(parameter => parameter.In == "query" && (parameter.IsRequired || random.Next(3) == 0))
            .Select(parameter => (parameter.Name, Value: FuzzValues.Plain(values.Good(parameter.Name, parameter.Schema)))).ToList();
        var headers = isAdmin && random.Next(3) > 0 ? [("Authorization", "Bearer " + Api.AdminKey)] : Caller(operation, team, random);
        var path = Path(operation, parameter => FuzzValues.Plain(values.Good(parameter.Name, parameter.Schema)));
        if (random.Next(6) == 0 && operation.Parameters.Any(parameter => parameter.Name == "Idempotency-Key"))
            headers.Add(("Idempotency-Key", $"key-{random.Next(20)}"));
        string? raw = null;
        var isPath = true;

        for (; spoiled > 0; spoiled--)
        {
            switch (random.Next(12))
            {
                case < 5 when body is not null:
                    Spoil(body, values, random);
                    break;
                case 5 when operation.Body is not null:
                    raw = random.Next(3) == 0 ? values.Bad() : null;
                    break;
                case 6 when operation.Parameters.Any(parameter => parameter.In == "path"):
                    path = Path(operation, _ => values.Text());
                    break;
                case 7 when random.Next(4) == 0:
                    method = values.Pick(Methods);
                    break;
                case 8 when random.Next(3) == 0:
                    (path, isPath) = (SpoilPath(path, values, random), false);
                    break;
                case 9 when operation.Parameters.FirstOrDefault(parameter => parameter.In == "header") is { } header:
                    headers.Add((header.Name, random.Next(3) == 0 ? new string('k', random.Next(250, 300)) : HeaderText(values)));
                    break;
                case 10:
                    headers.Add((values.Pick(Headers), HeaderText(values)));
                    break;
                default:
                    var parameters = operation.Parameters.Where(parameter => parameter.In == "query").ToArray();
                    query.Add((parameters.Length > 0 ? parameters[random.Next(parameters.Length)].Name : "unknown", values.Text()));
                    break;
            }
        }

        var uri = new Uri(
            team.Self.Address.GetLeftPart(UriPartial.Authority) + path + Query(query, hasOne: path.Contains('?', StringComparison.Ordinal)),
            new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        var request = new HttpRequestMessage(new HttpMethod(method), uri);
        // What the web server cannot read it refuses and closes at once: whoever still writes a body hears nothing.
        var bytes = operation.Body is null || path.Contains("%00", StringComparison.Ordinal)
            ? []
            : Encode(raw ?? (operation.BodyType == "text/plain" ? values.Lines() : Text(body!)), random);
        if (bytes.Length > 0 || random.Next(10) == 0) request.Content = Api.Raw(bytes, ContentType(operation, random));
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        // A line that the web server itself refuses comes to no operation.
        isPath &= uri.OriginalString.Length < LongestLine;
        return new(request, isPath ? server.Find(method, path) : null, Show(request, bytes));
    }

    private List<(string Name, string Value)> Fields(ApiOperation operation, JsonElement schema, FuzzValues values, Random random)
    {
        if (operation.Path == "/mcp") return Rpc(values, random);
        if (!schema.TryGetProperty("properties", out var fields)) return [];
        var required = schema.TryGetProperty("required", out var names)
            ? names.EnumerateArray().Select(name => name.GetString()!).ToHashSet()
            : [];
        // Few of the optional ones, or many: some go with each other, some do not.
        var most = random.Next(2) == 0 ? 1 : random.Next(1, 10);
        return
        [
            .. from field in fields.EnumerateObject()
            where required.Contains(field.Name) || random.Next(10) < most
            select (field.Name, values.Good(field.Name, field.Value)),
        ];
    }

    private List<(string Name, string Value)> Rpc(FuzzValues values, Random random)
    {
        if (random.Next(6) == 0)
            return [("jsonrpc", "\"2.0\""), ("id", "1"), ("method", FuzzValues.Json(values.Pick(RpcMethods))),
                ("params", "{\"uri\":\"beadhub://status\",\"protocolVersion\":\"2025-06-18\"}")];
        var tool = tools[random.Next(tools.Length)];
        var arguments = new List<(string Name, string Value)>();
        if (tool.At("inputSchema").TryGetProperty("properties", out var fields))
            arguments.AddRange(fields.EnumerateObject().Where(_ => random.Next(5) > 0)
                .Select(field => (field.Name, values.Good(field.Name, field.Value))));
        for (var spoiled = random.Next(3); spoiled > 0; spoiled--) Spoil(arguments, values, random);
        return [("jsonrpc", "\"2.0\""), ("id", "1"), ("method", "\"tools/call\""),
            ("params", $"{{\"name\":{FuzzValues.Json(tool.Text("name"))},\"arguments\":{Text(arguments)}}}")];
    }

    private static void Spoil(List<(string Name, string Value)> fields, FuzzValues values, Random random)
    {
        var at = random.Next(Math.Max(1, fields.Count));
        var name = fields.Count == 0 ? "x" : fields[at].Name;
        switch (random.Next(8))
        {
            case 0 when fields.Count > 0:
                fields.RemoveAt(at);
                break;
            case 1:
                fields.Add((values.Pick("extra", "__proto__", "", name.ToUpperInvariant(), "a\0b", new string('n', 3000)), values.Bad()));
                break;
            case 2:
                // The same name twice.
                fields.Add((name, values.Bad()));
                break;
            case 3 or 4 when fields.Count > 0 && fields[at].Value.StartsWith('[') && random.Next(8) == 0:
                fields[at] = (name, values.ManyMore());
                break;
            case 3 when fields.Count > 0 && fields[at].Value.StartsWith('['):
                fields[at] = (name, $"[{values.Bad()},{fields[at].Value[1..]}".Replace(",]", "]", StringComparison.Ordinal));
                break;
            default:
                if (fields.Count > 0) fields[at] = (name, values.Bad());
                break;
        }
    }

    private static List<(string Name, string Value)> Caller(ApiOperation operation, FuzzTeam team, Random random)
    {
        // Whoever may leave by the request is not the one whom all the others need.
        var mayEnd = operation.Method == "DELETE"
            || (operation.IsWrite && operation.Path.StartsWith("/v1/agents/me", StringComparison.Ordinal));
        var self = mayEnd ? team.Spare : team.Self;
        var bystander = team.Bystander!;
        return random.Next(20) switch
        {
            0 => [],
            1 => [("Authorization", "Bearer " + new string('x', random.Next(5000)))],
            2 => [("Authorization", new[] { $"bearer {self.Key}", $"Bearer  {self.Key}", self.Key, "Basic YTpi" }[random.Next(4)])],
            3 or 4 => [("Authorization", "Bearer " + team.Stranger.Key)],
            5 => [("Authorization", "Bearer " + team.Gone.Key)],
            6 or 7 => [.. ProxyHeaders.Public(self.ProjectId)],
            8 => [.. ProxyHeaders.Public(bystander.ProjectId)],
            9 => [.. ProxyHeaders.User(self.ProjectId, Guid.NewGuid().ToString(), self.Id)],
            10 => [.. ProxyHeaders.User(self.ProjectId, Guid.NewGuid().ToString(), bystander.Id)],
            11 => [.. ProxyHeaders.Key(bystander.ProjectId, Guid.NewGuid().ToString(), bystander.Id, secret: "wrong")],
            12 => [("Authorization", "Bearer " + self.Key), ("X-Project-ID", bystander.ProjectId), ("X-Aweb-Actor-ID", bystander.Id)],
            _ => [("Authorization", "Bearer " + self.Key)],
        };
    }

    private static string Path(ApiOperation operation, Func<ApiParameter, string> value)
    {
        var path = operation.Path;
        foreach (var parameter in operation.Parameters.Where(parameter => parameter.In == "path"))
            path = path.Replace($"{{{parameter.Name}}}", Part(value(parameter)), StringComparison.Ordinal);
        return path;
    }

    // Dots alone are no part of a path, and an empty part is none.
    private static string Part(string text) => text is "" or "." or ".." ? "x"
        : Uri.EscapeDataString(text.Length > 2000 ? text[..2000] : text);

    private static string SpoilPath(string path, FuzzValues values, Random random) => random.Next(7) switch
    {
        0 => path.Replace("/v1", "/V1", StringComparison.Ordinal),
        1 => path + "/",
        2 => path + "/" + Uri.EscapeDataString(values.Text()),
        3 => path + "%" + values.Pick("00", "ff", "2F..", "zz", "C0%AF"),
        4 => path + "?" + values.Pick("%", "=", "&&", "a=%ff%00", "limit=1&limit=x", "cursor=" + new string('a', 7000)),
        5 => path + values.Pick("/..", "/../..", "/%2e%2e/x", "/."),
        _ => path.Replace("/v1/", "/v1//", StringComparison.Ordinal),
    };

    private static string Query(List<(string Name, string Value)> query, bool hasOne) =>
        query.Count == 0 ? "" : (hasOne ? "&" : "?")
            + string.Join('&', query.Select(parameter => $"{parameter.Name}={Uri.EscapeDataString(parameter.Value)}"));

    private static string Text(List<(string Name, string Value)> fields) => FuzzValues.Object(fields);

    private static byte[] Encode(string text, Random random)
    {
        if (random.Next(30) == 0) text = text[..random.Next(text.Length + 1)];
        if (random.Next(60) == 0) text = "\ufeff" + text;
        var bytes = Encoding.UTF8.GetBytes(text);
        if (bytes.Length > 0 && random.Next(30) == 0) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        return bytes;
    }

    private static string? ContentType(ApiOperation operation, Random random) => random.Next(30) switch
    {
        0 => null,
        1 => "text/plain",
        2 => "application/json; charset=utf-16",
        3 => "application/x-www-form-urlencoded",
        4 => "multipart/form-data; boundary=x",
        _ => operation.BodyType.Length > 0 ? operation.BodyType : "application/json",
    };

    private static string HeaderText(FuzzValues values)
    {
        var text = values.Text();
        return new([.. (text.Length > 2000 ? text[..2000] : text).Where(c => !char.IsControl(c) && !char.IsSurrogate(c))]);
    }

    private static string Show(HttpRequestMessage request, byte[] body)
    {
        var shown = new StringBuilder($"{request.Method} {request.RequestUri}\n");
        foreach (var header in request.Headers.Concat<KeyValuePair<string, IEnumerable<string>>>(request.Content?.Headers ?? NoHeaders))
            shown.Append(CultureInfo.InvariantCulture, $"{header.Key}: {string.Join(", ", header.Value)}\n");
        const int Shown = 2000;
        var text = JsonSerializer.Serialize(Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, Shown))), Api.Json);
        return shown.Append(text).Append(body.Length > Shown ? $"… ({body.Length} bytes)" : "").ToString();
    }

    private static HttpContentHeaders NoHeaders => new ByteArrayContent([]).Headers;
}

/// <summary>A request, the operation that it reaches if any, and how to show it when it does harm.</summary>
internal sealed record FuzzedRequest(HttpRequestMessage Request, ApiOperation? Operation, string Shown);
