namespace Beadhub.Remotes;

/// <summary>Opens remotes.</summary>
public static class RemoteSites
{
    /// <summary>Opens a remote.</summary>
    /// <param name="address">Where it is.</param>
    /// <param name="credentials">Who asks; null for nobody.</param>
    /// <param name="http">Sends requests; follows no redirects.</param>
    /// <exception cref="RemoteException">It wants credentials, and there are none.</exception>
    public static IHistorySite Open(RemoteAddress address, RemoteCredentials? credentials, HttpMessageHandler http) => address.Kind switch
    {
        RemoteKind.Hub => new HubHistory(address.Endpoint!, Must(credentials, "an API key of the project as BEADHUB_REMOTE_PASSWORD_FILE "
            + "or BEADHUB_REMOTE_PASSWORD").Password, http, address.Name),
        RemoteKind.Bucket => new StoredHistory(Bucket(address, credentials, http)),
        _ => new StoredHistory(new FileStore(address.Name)),
    };

    /// <summary>Opens a bucket.</summary>
    /// <inheritdoc cref="Open"/>
    public static S3Store Bucket(RemoteAddress address, RemoteCredentials? credentials, HttpMessageHandler http) =>
        new(address.Name, address.Prefix, address.Endpoint, address.Region,
            Must(credentials is { User.Length: > 0 } ? credentials : null, "an access key as BEADHUB_REMOTE_USER, and its secret key as "
                + "BEADHUB_REMOTE_PASSWORD_FILE or BEADHUB_REMOTE_PASSWORD"), http);

    private static RemoteCredentials Must(RemoteCredentials? credentials, string what) =>
        credentials is { Password.Length: > 0 } ? credentials : throw new RemoteException($"the remote wants {what}");
}
