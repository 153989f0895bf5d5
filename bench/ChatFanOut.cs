using System.Text;
using Beadhub.Testing;

namespace Beadhub.Bench;

/// <summary>How long a chat message takes to reach 1,000 open streams, against a bare app that writes the same frame to as many.</summary>
internal static class ChatFanOut
{
    private const int Streams = 1000;
    private const int Agents = 10;
    private const int Messages = 60;

    public static async Task Run(Lab lab)
    {
        await using var server = await lab.Server(await lab.Database());
        var team = await Team.Create(server.Api, Agents);
        var opened = await team.Agent.Post("/v1/chat/sessions",
            new { to_aliases = team.Agents.Skip(1).Select(agent => agent.Alias), message = "Hello" }).Ok();
        var session = opened.Text("session_id");
        var stream =
            $"/v1/chat/sessions/{session}/stream?deadline="
            + Uri.EscapeDataString(DateTime.UtcNow.AddMinutes(15).ToString("yyyy-MM-ddTHH:mm:ssZ"));
        var body = "The sync fails when the network drops in the middle of an upload; retry it with a delay that grows.";

        await using var bare = await lab.Reference("fan-out");
        using var ours = await OpenStreams.Open(server.Port, Streams, i => HttpConnection.Get(stream, team.Agents[i % Agents].Key));
        using var theirs = await OpenStreams.Open(bare.Port, Streams, _ => HttpConnection.Get("/stream"));
        var frame = Encoding.UTF8.GetBytes("event: message\ndata: " + new string('x', 700) + " NUMBER\n\n");

        using var toServer = new HttpConnection(server.Port);
        using var toBare = new HttpConnection(bare.Port);
        Func<Task<double>> Send(OpenStreams listeners, HttpConnection connection, Func<string, byte[]> request) =>
            () => listeners.Time(Streams, mark =>
        {
            if (connection.Send(request(mark)) is not 200 and var status)
                throw new InvalidOperationException($"A message was answered with {status}.");
        });
        var measurements = new[]
        {
            Send(ours, toServer, mark => HttpConnection.Post($"/v1/chat/sessions/{session}/messages", team.Agent.Key,
                Encoding.UTF8.GetBytes($$"""{"body":"{{body}} {{mark}}"}"""))),
            Send(theirs, toBare, mark => HttpConnection.Post("/send", "none",
                Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(frame).Replace("NUMBER", mark)))),
        };
        await Measure.Alternate(10, measurements);
        List<double>[] times = [[], []];
        for (var i = 0; i < Messages; i++)
            for (var side = 0; side < 2; side++) times[side].Add(await measurements[side]());
        foreach (var (name, part) in new[] { ("p50", 0.5), ("p99", 0.99) })
        {
            lab.Results.Add(new($"chat message → all of {Streams:#,0} streams, {name}", "bare Kestrel, the same frame",
                Measure.Percentile([.. times[0]], part), Measure.Percentile([.. times[1]], part), "s", Goal.None));
        }
        lab.Say($"chat: {Measure.Median([.. times[0]]) * 1000:0.0} ms, bare {Measure.Median([.. times[1]]) * 1000:0.0} ms");
    }
}
