using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Text;
using Beadhub.Audit;
using Beadhub.Escalations;
using Beadhub.Gateway.Identity;
using Beadhub.Gateway.Requests;
using Beadhub.Projects;
using Microsoft.AspNetCore.Http.Features;
using Orleans;

namespace Beadhub.Gateway;

/// <summary>
/// <c>/answer/…</c>: a person answers an escalation by the link that was sent. The page that GET shows changes nothing, since scanners of
/// mail fetch what they find; POST answers, once: whoever comes later, by this link or another, is told that it was answered.
/// </summary>
internal sealed class EscalationAnswers(IGrainFactory grains, AnswerLinks links, AuditTrails audit, TimeProvider time)
{
    private const int MaxText = 64 * 1024;
    private const int MaxForm = 512 * 1024;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.Make<EscalationAnswers>();
        var isCluster = routes.ServiceProvider.GetRequiredService<GatewaySettings>().Cluster;
        routes.MapMethods("/answer/{token}", ["GET", "HEAD"], Newest(endpoints.Show)).Needs(Caller.Nobody).ExcludeFromDescription();
        routes.MapMethods("/answer/{token}", ["POST"], Newest(endpoints.Take)).Needs(Caller.Nobody).ExcludeFromDescription();

        RequestDelegate Newest(RequestDelegate serve) => isCluster ? http => ReadBarrier.During(() => serve(http)) : serve;
    }

    private async Task Show(HttpContext http)
    {
        if (await Asked(http) is not { } asked) return;
        var (question, _) = asked;
        var options = new StringBuilder();
        foreach (var option in question.Options ?? [])
            options.Append($"<label><input type=\"radio\" name=\"choice\" value=\"{Html(option)}\"> {Html(option)}</label>\n");
        await Page(http, StatusCodes.Status200OK, question.Subject,
            $"""
            <p>{Html(question.Alias)} asks ({Html(question.Severity)}):</p>
            <h1>{Html(question.Subject)}</h1>
            <pre>{Html(question.Situation)}</pre>
            <form method="post">
            {options}<textarea name="response" rows="6" maxlength="{MaxText}" placeholder="Your answer, or what you have to add"></textarea>
            <button>Answer</button>
            </form>
            """);
    }

    private async Task Take(HttpContext http)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = MaxForm;
        if (await Asked(http) is not { } asked) return;
        if (!http.Request.HasFormContentType)
        {
            await Page(http, StatusCodes.Status415UnsupportedMediaType, "Not an answer", "<p>Answer by the form of this page.</p>");
            return;
        }

        var (question, project) = asked;
        IFormCollection form;
        try
        {
            form = await http.Request.ReadFormAsync(http.RequestAborted);
        }
        catch (InvalidDataException)
        {
            await Page(http, StatusCodes.Status400BadRequest, "Not an answer", "<p>Answer by the form of this page.</p>");
            return;
        }

        var (choice, text) = (form["choice"].ToString().Trim(), form["response"].ToString().Trim());
        var chosen = choice.Length > 0 && (question.Options ?? []).Contains(choice);
        if ((!chosen && text.Length == 0) || text.Length > MaxText || text.Contains('\0', StringComparison.Ordinal))
        {
            await Page(http, StatusCodes.Status422UnprocessableEntity, "No answer", "<p>Choose an answer or write one, then send it.</p>");
            return;
        }

        try
        {
            await grains.GetGrain<IEscalationsGrain>(project).Respond(new(
                question.EscalationId, Guid.NewGuid().ToString("D"), chosen ? choice : text, chosen && text.Length > 0 ? text : null,
                OnlyFirst: true));
        }
        catch (RefusedException e) when (e.Kind == RefusalKind.Conflict)
        {
            await Used(http);
            return;
        }

        await audit.Note(project,
            new("escalation.answered", AuditCallers.User, null, null, question.EscalationId, "by a link", 1, time.GetUtcNow()));
        await Page(http, StatusCodes.Status200OK, "Answered", $"<p>{Html(question.Alias)} has your answer. Thank you.</p>");
    }

    /// <summary>What the link asks; null when it leads nowhere any more, and the page says so.</summary>
    private async Task<(EscalationView Question, string Project)?> Asked(HttpContext http)
    {
        var link = links.Open(http.Request.RouteValues["token"] as string ?? "");
        var question = link is { } to ? await grains.GetGrain<IEscalationsGrain>(to.Project).Get(to.Escalation) : null;
        var standing = link is { } of && question is not null
            ? await grains.GetGrain<IProjectGrain>(of.Project).Standing(question.WorkspaceId) : default;
        if (question is null || standing.IsArchived || standing.Agent is not { HasWorkspace: true })
        {
            await Page(http, StatusCodes.Status404NotFound, "Nothing to answer",
                "<p>This link is not, or no longer, good: it was used up, it is too old, or nobody waits for the answer any more.</p>");
            return null;
        }

        if (question.Status != EscalationStatus.Responded) return (question, link!.Value.Project);
        await Used(http);
        return null;
    }

    private static Task Used(HttpContext http) =>
        Page(http, StatusCodes.Status410Gone, "Answered", "<p>This was answered already. The link works once.</p>");

    private static Task Page(HttpContext http, int status, string title, string body)
    {
        var headers = http.Response.Headers;
        (http.Response.StatusCode, http.Response.ContentType) = (status, "text/html; charset=utf-8");
        headers.ContentSecurityPolicy =
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
        headers.CacheControl = "no-store";
        headers["Referrer-Policy"] = "no-referrer";
        headers["X-Robots-Tag"] = "noindex";
        var bytes = Encoding.UTF8.GetBytes(
            $$"""
            <!doctype html>
            <html lang="en">
            <head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{Html(title)}}</title>
            <style>body { font: 1rem/1.6 system-ui, sans-serif; margin: 2rem auto; max-width: 40rem; padding: 0 1rem }
            pre { white-space: pre-wrap } label, textarea, button { display: block; font: inherit; margin: .5rem 0 }
            textarea { box-sizing: border-box; width: 100% }</style></head>
            <body>
            {{body}}
            </body>
            </html>

            """);
        http.Response.ContentLength = bytes.Length;
        return HttpMethods.IsHead(http.Request.Method) ? Task.CompletedTask
            : http.Response.Body.WriteAsync(bytes, http.RequestAborted).AsTask();
    }

    private static string Html(string text) => WebUtility.HtmlEncode(text);
}

/// <summary>
/// Links by which a person answers an escalation: its place, an end and a purpose, sealed. Nothing is stored; that a link works once
/// follows from the escalation, which takes only the first answer that comes by one.
/// </summary>
internal sealed class AnswerLinks(ITextSeal seal, TimeProvider time)
{
    private const string Purpose = "answer-link";
    private const int MaxLength = 1024;

    private static readonly TimeSpan Life = TimeSpan.FromDays(7);

    /// <summary>The link's path; null where there is no secret that all nodes share.</summary>
    public string? Make(string projectId, string escalationId)
    {
        var end = (time.GetUtcNow() + Life).ToUnixTimeSeconds();
        return seal.CloseText(string.Create(CultureInfo.InvariantCulture, $"{Purpose}\n{projectId}\n{escalationId}\n{end}")) is { } text
            ? $"answer/{Base64Url.EncodeToString(Convert.FromBase64String(text))}" : null;
    }

    /// <summary>Where a link leads; null when it is none or too old.</summary>
    public (string Project, string Escalation)? Open(string token)
    {
        if (token.Length is 0 or > MaxLength || !Base64Url.IsValid(token.AsSpan())) return null;
        return seal.OpenText(Convert.ToBase64String(Base64Url.DecodeFromChars(token)))?.Split('\n') is
            [Purpose, var project, var escalation, var end]
            && long.TryParse(end, NumberStyles.None, CultureInfo.InvariantCulture, out var at)
            && time.GetUtcNow().ToUnixTimeSeconds() < at ? (project, escalation) : null;
    }
}
