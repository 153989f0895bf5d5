using System.Net;
using System.Net.Sockets;

namespace Beadhub.Silo.Tests.Operations;

/// <summary>A collector on this machine: takes OTLP over HTTP, as any other does.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly HttpListener _listener = new();
    private readonly Lock _gate = new();
    private readonly List<Span> _spans = [];
    private readonly HashSet<string> _metrics = [];
    private readonly Task _listening;
    private TaskCompletionSource _news = New();

    public OtlpReceiver()
    {
        int port;
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            port = ((IPEndPoint)free.LocalEndpoint).Port;
        }

        Url = $"http://127.0.0.1:{port}";
        _listener.Prefixes.Add(Url + "/");
        _listener.Start();
        _listening = Listen();
    }

    /// <summary>A span as it came.</summary>
    public sealed record Span(string Trace, string Id, string Parent, string Name, string Scope, IReadOnlyDictionary<string, string> Tags,
        string[] Links);

    public string Url { get; }

    /// <summary>Waits until what came so far is enough.</summary>
    public async Task<(Span[] Spans, string[] Metrics)> Until(Func<Span[], string[], bool> enough)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            Task news;
            (Span[] Spans, string[] Metrics) got;
            lock (_gate) (news, got) = (_news.Task, ([.. _spans], [.. _metrics]));
            if (enough(got.Spans, got.Metrics)) return got;
            try
            {
                await news.WaitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException(
                    $"Only these came: {string.Join('\n', got.Spans.Select(span => span.ToString()))}\n{string.Join('\n', got.Metrics)}");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Close();
        await _listening;
    }

    private async Task Listen()
    {
        try
        {
            while (true) await Take(await _listener.GetContextAsync());
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
        }
    }

    private async Task Take(HttpListenerContext context)
    {
        using var body = new MemoryStream();
        await context.Request.InputStream.CopyToAsync(body);
        var request = new ProtobufReader(body.ToArray());
        TaskCompletionSource news;
        lock (_gate)
        {
            if (context.Request.Url!.AbsolutePath == "/v1/traces") AddSpans(request);
            else if (context.Request.Url!.AbsolutePath == "/v1/metrics") AddMetrics(request);
            (news, _news) = (_news, New());
        }

        news.SetResult();
        context.Response.ContentType = "application/x-protobuf";
        context.Response.Close();
    }

    // ExportTraceServiceRequest: resource_spans 1; scope_spans 2; scope 1, spans 2.
    private void AddSpans(ProtobufReader request)
    {
        foreach (var scoped in request.Messages(1).SelectMany(resource => resource.Messages(2)))
        {
            foreach (var span in scoped.Messages(2))
            {
                _spans.Add(new(
                    span.Hex(1), span.Hex(2), span.Hex(4), span.Text(5), scoped.Messages(1).Single().Text(1),
                    span.Messages(9).ToDictionary(tag => tag.Text(1), tag => tag.Messages(2).Single().Text(1)),
                    [.. span.Messages(13).Select(link => link.Hex(2))]));
            }
        }
    }

    // ExportMetricsServiceRequest: resource_metrics 1; scope_metrics 2; metrics 2; name 1.
    private void AddMetrics(ProtobufReader request)
    {
        foreach (var metric in request.Messages(1).SelectMany(resource => resource.Messages(2)).SelectMany(scoped => scoped.Messages(2)))
            _metrics.Add(metric.Text(1));
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
