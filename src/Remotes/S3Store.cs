using System.Net;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;

namespace Beadhub.Remotes;

/// <summary>A bucket of an object store that speaks S3's protocol, Google's by its compatible interface included.</summary>
public sealed class S3Store : IObjectStore
{
    private const string Probe = "beadhub-remote";
    private const int MostNames = 100_000;
    private const int LeastBytesPerSecond = 50_000;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly AmazonS3Client _client;
    private readonly string _bucket, _prefix;
    private bool _isProbed;

    /// <param name="bucket">The bucket.</param>
    /// <param name="prefix">Begins all names in it; empty for none.</param>
    /// <param name="endpoint">Where the service is; null for Amazon's own.</param>
    /// <param name="region">By which requests are signed.</param>
    /// <param name="credentials">Access key and secret key.</param>
    /// <param name="http">Sends requests; follows no redirects, so that a signature never goes elsewhere.</param>
    public S3Store(string bucket, string prefix, Uri? endpoint, string region, RemoteCredentials credentials, HttpMessageHandler http)
    {
        var config = new AmazonS3Config
        {
            ForcePathStyle = endpoint is not null,
            AuthenticationRegion = region,
            // Tried again by those who know for how long, and told of in one place.
            MaxErrorRetry = 0,
            AllowAutoRedirect = false,
            HttpClientFactory = new Clients(http),
            Timeout = TimeSpan.FromSeconds(60),
            // Stores of others know no checksums but the signature's.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (endpoint is not null) config.ServiceURL = endpoint.ToString();
        else config.RegionEndpoint = RegionEndpoint.GetBySystemName(region);
        _client = new(new BasicAWSCredentials(credentials.User, credentials.Password), config);
        (_bucket, _prefix) = (bucket, prefix.Length == 0 ? "" : prefix.Trim('/') + "/");
    }

    /// <inheritdoc/>
    public Task<bool> Has(string name, CancellationToken cancellation) => Ask(async () =>
    {
        try
        {
            await _client.GetObjectMetadataAsync(new GetObjectMetadataRequest { BucketName = _bucket, Key = _prefix + name }, cancellation);
            return true;
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }
    }, cancellation);

    /// <inheritdoc/>
    public async Task<byte[]?> Get(string name, int most, CancellationToken cancellation) =>
        (await Read(name, most, cancellation))?.Bytes;

    /// <inheritdoc/>
    public Task Put(string name, ReadOnlyMemory<byte> content, CancellationToken cancellation) =>
        Ask(() => Write(name, content, null, mustBeNew: false, cancellation), cancellation);

    /// <inheritdoc/>
    public async Task<StoredRef?> ReadRef(string name, CancellationToken cancellation) =>
        await Read(RefOf(name), 64 * 1024, cancellation) is { } read
            ? new(System.Text.Encoding.UTF8.GetString(read.Bytes), read.Version) : null;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> Refs(CancellationToken cancellation) =>
        [.. (await List("refs/", cancellation)).Select(static name => Uri.UnescapeDataString(name["refs/".Length..]))
            .Order(StringComparer.Ordinal)];

    /// <summary>Names of the objects whose names begin so.</summary>
    public Task<IReadOnlyList<string>> List(string under, CancellationToken cancellation) =>
        Bounded<IReadOnlyList<string>>(async limited =>
        {
            var names = new List<string>();
            for (string? next = null; ;)
            {
                var page = await _client.ListObjectsV2Async(
                    new() { BucketName = _bucket, Prefix = _prefix + under, ContinuationToken = next }, limited);
                foreach (var found in page.S3Objects ?? []) names.Add(found.Key[_prefix.Length..]);
                if (page.IsTruncated is not true) return names;
                if (names.Count > MostNames) throw new RemoteException($"the bucket holds more than {MostNames} objects there");
                next = page.NextContinuationToken;
            }
        }, MostNames, cancellation);

    /// <summary>Stores a file's content, whole or not at all, without holding it in memory.</summary>
    public Task Upload(string name, string path, CancellationToken cancellation) => Bounded(async limited =>
    {
        using var file = File.OpenRead(path);
        return await _client.PutObjectAsync(new()
        {
            BucketName = _bucket, Key = _prefix + name, InputStream = file, UseChunkEncoding = false, AutoCloseStream = false,
            ContentType = "application/octet-stream",
        }, limited);
    }, new FileInfo(path).Length, cancellation);

    /// <summary>Reads an object into a stream; false when there is none.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="to">Gets its bytes.</param>
    /// <param name="most">Bytes that it may have.</param>
    /// <param name="cancellation">Gives up.</param>
    public Task<bool> Download(string name, Stream to, long most, CancellationToken cancellation) => Bounded(async limited =>
    {
        try
        {
            using var found = await _client.GetObjectAsync(_bucket, _prefix + name, limited);
            var buffer = new byte[81_920];
            for (var total = 0L; await found.ResponseStream.ReadAsync(buffer, limited) is > 0 and var read;)
            {
                if ((total += read) > most)
                    throw new RemoteException($"the remote holds an object of more than {most} bytes, too many", RemoteFault.Damaged);
                await to.WriteAsync(buffer.AsMemory(0, read), limited);
            }

            return true;
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound && e.ErrorCode != "NoSuchBucket")
        {
            return false;
        }
    }, most, cancellation);

    /// <summary>Removes an object; that there is none is well, too.</summary>
    public Task Delete(string name, CancellationToken cancellation) =>
        Bounded(limited => _client.DeleteObjectAsync(_bucket, _prefix + name, limited), 0, cancellation);

    /// <inheritdoc/>
    public async Task<bool> SwapRef(string name, StoredRef? expected, string text, CancellationToken cancellation)
    {
        await MustHonourConditions(cancellation);
        var content = System.Text.Encoding.UTF8.GetBytes(text);
        return await Ask(() => Write(RefOf(name), content, expected?.Version, mustBeNew: expected is null, cancellation), cancellation)
            // An answer that was lost: what was written may stand there.
            || await ReadRef(name, cancellation) is { } now && now.Text == text;
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private static string RefOf(string name) => "refs/" + Uri.EscapeDataString(name);

    /// <summary>A store that ignores conditions would let one push undo another without anybody being told.</summary>
    private async Task MustHonourConditions(CancellationToken cancellation)
    {
        if (_isProbed) return;
        var content = "beadhub-remote.v1\n"u8.ToArray();
        for (var i = 0; i < 2; i++)
        {
            var written = await Ask(() => Write(Probe, content, null, mustBeNew: true, cancellation), cancellation);
            if (written && i == 1)
                throw new RemoteException("the object store does not honour conditional writes (If-None-Match): of two pushes at once one "
                    + "could be lost. Use one that does, or a folder or another Beadhub as the remote");
            if (!written) break;
        }

        _isProbed = true;
    }

    private Task<(byte[] Bytes, string Version)?> Read(string name, int most, CancellationToken cancellation) =>
        Ask<(byte[], string)?>(async () =>
        {
            try
            {
                using var found = await _client.GetObjectAsync(_bucket, _prefix + name, cancellation);
                if (found.ContentLength > most)
                    throw new RemoteException($"the remote holds an object of {found.ContentLength} bytes, too many", RemoteFault.Damaged);
                using var bytes = new MemoryStream((int)Math.Max(0, found.ContentLength));
                var buffer = new byte[81_920];
                while (await found.ResponseStream.ReadAsync(buffer, cancellation) is > 0 and var read)
                {
                    if (bytes.Length + read > most)
                        throw new RemoteException("the remote sends an object that does not end", RemoteFault.Damaged);
                    bytes.Write(buffer, 0, read);
                }

                return (bytes.ToArray(), found.ETag);
            }
            catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound && e.ErrorCode != "NoSuchBucket")
            {
                return null;
            }
        }, cancellation);

    private async Task<bool> Write(string name, ReadOnlyMemory<byte> content, string? version, bool mustBeNew,
        CancellationToken cancellation)
    {
        using var stream = new MemoryStream(content.ToArray());
        var request = new PutObjectRequest
        {
            BucketName = _bucket, Key = _prefix + name, InputStream = stream, UseChunkEncoding = false,
            ContentType = "application/octet-stream",
        };
        if (version is not null) request.IfMatch = version;
        if (mustBeNew) request.IfNoneMatch = "*";
        try
        {
            await _client.PutObjectAsync(request, cancellation);
            return true;
        }
        catch (AmazonS3Exception e) when ((version is not null || mustBeNew)
            && e.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.Conflict or HttpStatusCode.NotFound
            && e.ErrorCode != "NoSuchBucket")
        {
            return false;
        }
    }

    /// <summary>Asks, and does not wait for ever for a store that took the connection and says nothing.</summary>
    private static async Task<T> Bounded<T>(Func<CancellationToken, Task<T>> call, long bytes, CancellationToken cancellation)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limited.CancelAfter(Patience + TimeSpan.FromSeconds(Math.Min(86_400, bytes / LeastBytesPerSecond)));
        return await Ask(() => call(limited.Token), cancellation);
    }

    // What the library throws may name hosts and keys: only what kind of thing it was goes on.
    private static async Task<T> Ask<T>(Func<Task<T>> call, CancellationToken cancellation)
    {
        try
        {
            return await call();
        }
        catch (AmazonServiceException e)
        {
            var status = (int)e.StatusCode;
            throw status switch
            {
                401 or 403 => new RemoteException("the object store does not accept these credentials, or they may not do this", cause: e),
                404 => new RemoteException("there is no such bucket", RemoteFault.NotFound, e),
                >= 300 and < 400 => new RemoteException($"the object store answered {status}, a redirect, which is not followed: name the "
                    + "endpoint and region where the bucket is", cause: e),
                429 or >= 500 or 0 => new RemoteException($"the object store answered {status}", RemoteFault.Transient, e),
                _ => new RemoteException($"the object store answered {status} {e.ErrorCode}", cause: e),
            };
        }
        catch (ArgumentException e)
        {
            // The library looks for the bucket's region in whatever redirects it.
            throw new RemoteException("the object store answered with a redirect, which is not followed: name the endpoint and region "
                + "where the bucket is", cause: e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or AmazonClientException
            || e is OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            throw new RemoteException("the object store does not answer, or broke off", RemoteFault.Transient, e);
        }
    }

    private sealed class Clients(HttpMessageHandler handler) : HttpClientFactory
    {
        public override HttpClient CreateHttpClient(IClientConfig clientConfig) =>
            new(handler, disposeHandler: false) { Timeout = Timeout.InfiniteTimeSpan };

        public override bool UseSDKHttpClientCaching(IClientConfig clientConfig) => false;

        public override bool DisposeHttpClientsAfterUse(IClientConfig clientConfig) => false;
    }
}

/// <summary>Who pushes, pulls, or keeps backups. Never printed.</summary>
/// <param name="User">A user, or an access key.</param>
/// <param name="Password">A password, a secret key, or the API key of a project.</param>
public sealed record RemoteCredentials(string User, string Password)
{
    /// <summary>
    /// Those that <c>BEADHUB_REMOTE_USER</c> and <c>BEADHUB_REMOTE_PASSWORD_FILE</c>, else <c>BEADHUB_REMOTE_PASSWORD</c>, give; null
    /// without a password.
    /// </summary>
    /// <exception cref="RemoteException">The file cannot be read.</exception>
    public static RemoteCredentials? Of(Func<string, string?> variable)
    {
        try
        {
            var password = variable("BEADHUB_REMOTE_PASSWORD_FILE") is { Length: > 0 } file
                ? File.ReadAllText(file).TrimEnd('\r', '\n') : variable("BEADHUB_REMOTE_PASSWORD");
            return password is not { Length: > 0 } ? null : new(variable("BEADHUB_REMOTE_USER") ?? "", password);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RemoteException($"BEADHUB_REMOTE_PASSWORD_FILE cannot be read: {e.Message}", cause: e);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => "credentials";
}
