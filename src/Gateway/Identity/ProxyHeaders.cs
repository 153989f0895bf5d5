using System.Security.Cryptography;
using System.Text;
using Beadhub.Gateway.Http;

namespace Beadhub.Gateway.Identity;

/// <summary>Authentication by headers that a trusted gateway signed (contract 1.3). Any defect is a 401.</summary>
/// <remarks>
/// <c>X-BH-Auth</c> is <c>v2:project:type:principal:actor:signature</c>. A gateway that serves several tenants signs
/// <c>v3:project:type:principal:actor:tenant:signature</c>
/// and sends the tenant in <c>X-Tenant-ID</c> too: then the project must be of that tenant. With v2 that header means nothing, since
/// nothing vouches for it.
/// </remarks>
internal static class ProxyHeaders
{
    public const string Signature = "X-BH-Auth";

    /// <summary>All of the headers.</summary>
    public static readonly string[] All = [Signature, "X-Project-ID", "X-User-ID", "X-API-Key", "X-Aweb-Actor-ID", TenantHeader];

    private const string TenantHeader = "X-Tenant-ID";

    /// <summary>Whether a tenant is signed for.</summary>
    public static bool NameTenant(IHeaderDictionary headers) => headers[Signature].ToString().StartsWith("v3:", StringComparison.Ordinal);

    public static ProjectIdentity Identify(IHeaderDictionary headers, string secret)
    {
        var sent = headers[Signature].ToString();
        var project = Uuid(headers, "X-Project-ID") ?? throw ApiException.Unauthorized();
        var actor = Uuid(headers, "X-Aweb-Actor-ID") ?? throw ApiException.Unauthorized();
        var tenant = NameTenant(headers) ? Uuid(headers, TenantHeader) ?? throw ApiException.Unauthorized() : null;
        var (type, principal) = Principal(headers, sent);

        var text = tenant is null ? $"v2:{project}:{type}:{principal}:{actor}" : $"v3:{project}:{type}:{principal}:{actor}:{tenant}";
        var signature = Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(text)));
        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(sent), Encoding.UTF8.GetBytes($"{text}:{signature}")))
            throw ApiException.Unauthorized();

        return type switch
        {
            "u" => new(project, actor, null, principal, AuthMode.Proxy) { TenantId = tenant },
            "k" => new(project, actor, principal, null, AuthMode.Proxy) { TenantId = tenant },
            "p" => new(project, actor, null, null, AuthMode.PublicReader) { TenantId = tenant },
            _ => throw ApiException.Unauthorized(),
        };
    }

    private static (string Type, string Id) Principal(IHeaderDictionary headers, string sent)
    {
        if (headers.ContainsKey("X-User-ID")) return ("u", Uuid(headers, "X-User-ID") ?? throw ApiException.Unauthorized());
        if (headers.ContainsKey("X-API-Key")) return ("k", Uuid(headers, "X-API-Key") ?? throw ApiException.Unauthorized());
        var parts = sent.Split(':', 8);
        if (parts.Length < 5 || parts[0] is not ("v2" or "v3") || parts[2] is "u" or "k") throw ApiException.Unauthorized();
        return (parts[2], parts[3]);
    }

    private static string? Uuid(IHeaderDictionary headers, string name) =>
        Names.TryNormalizeUuid(headers[name], out var uuid) ? uuid : null;
}
