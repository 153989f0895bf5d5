using System.Security.Cryptography;
using System.Text;
using Beadhub.Gateway.Http;

namespace Beadhub.Gateway.Identity;

/// <summary>Authentication by headers that a trusted gateway signed (contract 1.3). Any defect is a 401.</summary>
internal static class ProxyHeaders
{
    public const string Signature = "X-BH-Auth";

    public static ProjectIdentity Identify(IHeaderDictionary headers, string secret)
    {
        var sent = headers[Signature].ToString();
        var project = Uuid(headers, "X-Project-ID") ?? throw ApiException.Unauthorized();
        var actor = Uuid(headers, "X-Aweb-Actor-ID") ?? throw ApiException.Unauthorized();
        var (type, principal) = Principal(headers, sent);

        var text = $"v2:{project}:{type}:{principal}:{actor}";
        var signature = Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(text)));
        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(sent), Encoding.UTF8.GetBytes($"{text}:{signature}")))
            throw ApiException.Unauthorized();

        return type switch
        {
            "u" => new(project, actor, null, principal, AuthMode.Proxy),
            "k" => new(project, actor, principal, null, AuthMode.Proxy),
            "p" => new(project, actor, null, null, AuthMode.PublicReader),
            _ => throw ApiException.Unauthorized(),
        };
    }

    private static (string Type, string Id) Principal(IHeaderDictionary headers, string sent)
    {
        if (headers.ContainsKey("X-User-ID")) return ("u", Uuid(headers, "X-User-ID") ?? throw ApiException.Unauthorized());
        if (headers.ContainsKey("X-API-Key")) return ("k", Uuid(headers, "X-API-Key") ?? throw ApiException.Unauthorized());
        var parts = sent.Split(':', 7);
        if (parts.Length < 5 || parts[0] != "v2" || parts[2] is "u" or "k") throw ApiException.Unauthorized();
        return (parts[2], parts[3]);
    }

    private static string? Uuid(IHeaderDictionary headers, string name) => Names.TryNormalizeUuid(headers[name], out var uuid) ? uuid : null;
}
