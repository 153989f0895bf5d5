using System.Text.Json;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>The two shapes of an error body (contract 0.2).</summary>
internal static class Refusals
{
    /// <summary><c>{"detail": "text"}</c>, with exactly this text.</summary>
    public static async Task Refused(this Task<Answer> call, int status, string detail)
    {
        var answer = await call;
        answer.Detail(status).ShouldBe(detail, answer.ToString());
    }

    /// <summary><c>{"detail": "text"}</c>, where the text contains all of these.</summary>
    public static async Task RefusedWith(this Task<Answer> call, int status, params string[] parts)
    {
        var answer = await call;
        foreach (var part in parts)
            answer.Detail(status).ShouldContain(part, Case.Sensitive, answer.ToString());
    }

    /// <summary>422 with a list; one entry is about the field, has the type, and says the text, each where given.</summary>
    public static async Task<JsonElement> Invalid(this Task<Answer> call, string? field = null, string? type = null, string? says = null)
    {
        var answer = await call;
        answer.Status.ShouldBe(422, answer.ToString());
        answer.Json.At("detail").ValueKind.ShouldBe(JsonValueKind.Array, answer.ToString());
        var errors = answer.Json.Items("detail");
        errors.ShouldNotBeEmpty(answer.ToString());
        foreach (var error in errors)
        {
            error.Items("loc")[0].GetString().ShouldBeOneOf("body", "query", "path", "header");
            error.Text("type").ShouldNotBeEmpty();
            error.Text("msg").ShouldNotBeEmpty();
        }

        var found = errors.Where(error =>
            (field is null || error.Items("loc").Any(part => part.ToString() == field))
            && (type is null || error.Text("type") == type)
            && (says is null || error.Text("msg").Contains(says, StringComparison.Ordinal))).ToArray();
        found.ShouldNotBeEmpty(answer.ToString());
        return found[0];
    }

    /// <summary>422 in either shape.</summary>
    public static async Task Unprocessable(this Task<Answer> call, string? says = null)
    {
        var answer = await call;
        answer.Status.ShouldBe(422, answer.ToString());
        answer.Json.At("detail");
        if (says is not null)
            answer.Text.ShouldContain(says, Case.Sensitive);
    }

    /// <summary>401, with the header that names the scheme.</summary>
    public static async Task Unauthorized(this Task<Answer> call, string detail = "Authentication required")
    {
        var answer = await call;
        answer.Detail(401).ShouldBe(detail, answer.ToString());
        answer.Header("WWW-Authenticate").ShouldBe("Bearer", answer.ToString());
    }

    private static string Detail(this Answer answer, int status)
    {
        answer.Status.ShouldBe(status, answer.ToString());
        answer.Json.At("detail").ValueKind.ShouldBe(JsonValueKind.String, answer.ToString());
        return answer.Json.Text("detail");
    }
}
