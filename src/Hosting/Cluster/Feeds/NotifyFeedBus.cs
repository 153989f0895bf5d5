using System.Globalization;
using System.Text;
using System.Threading.Channels;
using Beadhub.Feed;
using Beadhub.Hosting.EventLogs;
using Beadhub.Hosting.EventLogs.Postgres;
using Npgsql;

namespace Beadhub.Hosting.Cluster.Feeds;

/// <summary>
/// Announces over PostgreSQL's LISTEN and NOTIFY, for a cluster without Redis: only how far each project has come. Announcements are sent
/// after the commit, by a connection of their own and many at a time: within the commit itself, NOTIFY would let commits go one by one.
/// </summary>
internal sealed partial class NotifyFeedBus(string connectionString, NodeId node, ILogger<NotifyFeedBus> logger) : IFeedBus
{
    private const string Channel = "beadhub_feed";
    private const int LargestPayload = 7500; // PostgreSQL takes less than 8000 bytes

    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    private readonly Channel<(string Project, long Last)> _news = System.Threading.Channels.Channel.CreateBounded<(string, long)>(
        new BoundedChannelOptions(100_000) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
    private readonly CancellationTokenSource _closing = new();
    private readonly NpgsqlDataSource _source = PostgresSession.DataSource(connectionString, new EventLogOptions(), static settings =>
    {
        settings.Pooling = false;
        settings.KeepAlive = 5;
    });
    private Task _running = Task.CompletedTask;
    private volatile bool _isListening;

    /// <inheritdoc/>
    public bool IsConnected => _isListening;

    /// <inheritdoc/>
    public Task Start(Action<Announcement> heard, Action restored)
    {
        _running = Task.WhenAll(Task.Run(() => Listen(heard, restored)), Task.Run(Send));
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    // There is one channel for all projects: what is heard is short.
    public Task Watch(string project) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task Unwatch(string project) => Task.CompletedTask;

    /// <inheritdoc/>
    public void Announce(string project, IReadOnlyList<FeedEvent> events) => _news.Writer.TryWrite((project, events[^1].Position));

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _running;
        await _source.DisposeAsync();
        _closing.Dispose();
    }

    private async Task Listen(Action<Announcement> heard, Action restored)
    {
        while (!_closing.IsCancellationRequested)
        {
            try
            {
                await using var connection = await _source.OpenConnectionAsync(_closing.Token);
                connection.Notification += (_, notice) => Hear(notice.Payload, heard);
                await using (var listen = new NpgsqlCommand($"LISTEN {Channel}", connection)) await listen
                    .ExecuteNonQueryAsync(_closing.Token);
                _isListening = true;
                restored();
                while (true) await connection.WaitAsync(_closing.Token);
            }
            catch (Exception) when (_closing.IsCancellationRequested)
            {
                return;
            }
            catch (Exception broken) when (PostgresErrors.IsFromStore(broken))
            {
                if (_isListening) LogDeaf(logger, broken.Message);
                _isListening = false;
                await Task.Delay(Retry, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>What is announced while PostgreSQL is away is forgotten: nobody could have committed it.</summary>
    private async Task Send()
    {
        while (!_closing.IsCancellationRequested)
        {
            try
            {
                await using var connection = await _source.OpenConnectionAsync(_closing.Token);
                await using var notify = new NpgsqlCommand($"SELECT pg_notify('{Channel}', $1)", connection);
                var payload = notify.Parameters.Add(new NpgsqlParameter<string>());
                await notify.PrepareAsync(_closing.Token);
                while (await _news.Reader.WaitToReadAsync(_closing.Token))
                {
                    payload.Value = Gather();
                    await notify.ExecuteNonQueryAsync(_closing.Token);
                }
            }
            catch (Exception) when (_closing.IsCancellationRequested)
            {
                return;
            }
            catch (Exception broken) when (PostgresErrors.IsFromStore(broken))
            {
                await Task.Delay(Retry, _closing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>What has come up meanwhile, each project once: the sender's id, then project and position by turns, all parted by
    /// blanks.</summary>
    private string Gather()
    {
        var newest = new Dictionary<string, long>(StringComparer.Ordinal);
        var size = node.Id.Length;
        while (size < LargestPayload && _news.Reader.TryRead(out var news))
        {
            if (!newest.TryGetValue(news.Project, out var last)) size += news.Project.Length + 22;
            newest[news.Project] = Math.Max(last, news.Last);
        }

        var payload = new StringBuilder(node.Id);
        foreach (var (project, last) in newest)
            payload.Append(' ').Append(project).Append(' ').Append(last.ToString(CultureInfo.InvariantCulture));
        return payload.ToString();
    }

    private void Hear(string payload, Action<Announcement> heard)
    {
        var words = payload.Split(' ');
        if (words[0] == node.Id) return;
        for (var i = 1; i + 1 < words.Length; i += 2)
            if (long.TryParse(words[i + 1], CultureInfo.InvariantCulture, out var last)) heard(new(words[i], last, null));
    }

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Announcements of other nodes do not come in ({Reason}): the log is looked at until they do")]
    private static partial void LogDeaf(ILogger logger, string reason);
}
