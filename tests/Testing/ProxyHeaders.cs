using System.Security.Cryptography;
using System.Text;

namespace Beadhub.Testing;

/// <summary>The signed headers of a trusted gateway (contract 1.3).</summary>
public static class ProxyHeaders
{
    public const string Secret = "test-secret";

    /// <summary>A user of the project, acting as an agent.</summary>
    public static (string Name, string Value)[] User(string project, string user, string actor, string secret = Secret) =>
        [("X-BH-Auth", Sign(project, "u", user, actor, secret)), ("X-Project-ID", project), ("X-User-ID", user),
            ("X-Aweb-Actor-ID", actor)];

    /// <summary>A caller with an API key's id.</summary>
    public static (string Name, string Value)[] Key(string project, string key, string actor, string secret = Secret) =>
        [("X-BH-Auth", Sign(project, "k", key, actor, secret)), ("X-Project-ID", project), ("X-API-Key", key), ("X-Aweb-Actor-ID", actor)];

    /// <summary>A user of a tenant's project; without a project, of the tenant alone.</summary>
    public static (string Name, string Value)[] TenantUser(string tenant, string? project = null)
    {
        var (user, actor) = (Guid.NewGuid().ToString(), Guid.NewGuid().ToString());
        project ??= Guid.Empty.ToString();
        return
        [
            ("X-BH-Auth", Signed($"v3:{project}:u:{user}:{actor}:{tenant}", Secret)), ("X-Project-ID", project), ("X-User-ID", user),
            ("X-Aweb-Actor-ID", actor),
            ("X-Tenant-ID", tenant),
        ];
    }

    /// <summary>The public reader of a project.</summary>
    public static (string Name, string Value)[] Public(string project, string secret = Secret)
    {
        var actor = Guid.NewGuid().ToString();
        return [("X-BH-Auth", Sign(project, "p", "public", actor, secret)), ("X-Project-ID", project), ("X-Aweb-Actor-ID", actor)];
    }

    public static string Sign(string project, string type, string principal, string actor, string secret = Secret)
        => Signed($"v2:{project}:{type}:{principal}:{actor}", secret);

    private static string Signed(string text, string secret)
    {
        var signature = HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(text));
        return $"{text}:{Convert.ToHexStringLower(signature)}";
    }
}
