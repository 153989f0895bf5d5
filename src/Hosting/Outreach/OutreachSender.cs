using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Mail;
using System.Text;
using System.Text.Json;
using Beadhub.Escalations;

namespace Beadhub.Hosting.Outreach;

/// <summary>Sends a message by a channel: the operator has named its address, so it may be a private one.</summary>
internal sealed class OutreachSender : IDisposable
{
    private const int MaxText = 16 * 1024;
    private const int MaxShort = 3000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    });

    public void Dispose() => _http.Dispose();

    /// <summary>Sends it. What it throws says why it was not taken.</summary>
    public async Task Send(OutreachSettings.Channel channel, OutreachMessage message, CancellationToken ended)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ended);
        patience.CancelAfter(Patience);
        await (channel.Type switch
        {
            "email" => Mail(channel, message, patience.Token),
            "slack" => Post(channel.Url!, null,
                JsonSerializer.Serialize(new SlackMessage(Escaped(Short(message.Title + "\n" + message.Body))),
                    OutreachMessageJson.Default.SlackMessage), patience.Token),
            "ntfy" => Ntfy(channel, message, patience.Token),
            _ => Run(channel, message, patience.Token),
        });
    }

    private static async Task Mail(OutreachSettings.Channel channel, OutreachMessage message, CancellationToken cancellation)
    {
        using var mail = new MailMessage
        {
            From = new(channel.From!),
            Subject = message.Title,
            SubjectEncoding = Encoding.UTF8,
            Body = Cut(message.Body, MaxText),
            BodyEncoding = Encoding.UTF8,
        };
        // An agent may name somebody, but not send mail to the whole world.
        if (message.MemberEmail is { } member && MailAddress.TryCreate(member, out var person)
            && channel.MemberDomains.Contains(person.Host, StringComparer.OrdinalIgnoreCase)) mail.To.Add(person);
        else foreach (var to in channel.To) mail.To.Add(to);
        mail.Headers.Add("Auto-Submitted", "auto-generated");
        mail.Headers.Add("X-Beadhub-Item", message.Item);
        // What is sent again because the server was killed before it had noted that it was taken is the same mail: many mailboxes show
        // it once.
        if (message.MailId(mail.From!.Host) is { } id) mail.Headers.Add("Message-ID", id);
        using var smtp = new SmtpClient(channel.Host, channel.Port) { EnableSsl = channel.Tls };
        if (channel.User is not null) smtp.Credentials = new NetworkCredential(channel.User, channel.Password);
        await smtp.SendMailAsync(mail, cancellation);
    }

    private Task Ntfy(OutreachSettings.Channel channel, OutreachMessage message, CancellationToken cancellation)
    {
        var url = new Uri(channel.Url!);
        var priority = message.Severity switch { Severities.Low => 2, Severities.High => 4, Severities.Critical => 5, _ => 3 };
        var json = JsonSerializer.Serialize(
            new NtfyMessage(url.AbsolutePath.Trim('/'), message.Title, Short(message.Body), priority, message.Link),
            OutreachMessageJson.Default.NtfyMessage);
        return Post(url.GetLeftPart(UriPartial.Authority), channel.Token, json, cancellation);
    }

    private async Task Post(string url, string? token, string json, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, url)
        {
            Content = new StringContent(json, Encoding.UTF8, "application/json"),
        };
        if (token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        if (!answer.IsSuccessStatusCode) throw new HttpRequestException($"HTTP {(int)answer.StatusCode}");
    }

    // The message is data for the command, never a part of its line.
    private static async Task Run(OutreachSettings.Channel channel, OutreachMessage message, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(channel.Command[0])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        foreach (var argument in channel.Command.Skip(1)) start.ArgumentList.Add(argument);
        using var process = Process.Start(start) ?? throw new IOException($"{channel.Command[0]} does not start");
        try
        {
            process.OutputDataReceived += static (_, _) => { };
            process.ErrorDataReceived += static (_, _) => { };
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            var json = JsonSerializer.Serialize(message, OutreachMessageJson.Default.OutreachMessage);
            try
            {
                await process.StandardInput.WriteLineAsync(json.AsMemory(), cancellation);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // A command need not read what it is told; how it ends counts.
            }

            await process.WaitForExitAsync(cancellation);
            if (process.ExitCode != 0) throw new IOException($"{channel.Command[0]} ended with {process.ExitCode}");
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    // So that no agent calls everybody of a channel.
    private static string Escaped(string text) =>
        text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)
            .Replace(">", "&gt;", StringComparison.Ordinal);

    private static string Short(string text) => Cut(text, MaxShort);

    private static string Cut(string text, int most) => text.Length <= most ? text : text[..most] + "…";
}
