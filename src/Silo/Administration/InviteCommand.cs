using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Beadhub.Silo.Administration;

/// <summary>
/// <c>beadhub invite</c>: lets agents into a project where joining is by invite. Works for administrators.
/// </summary>
internal static class InviteCommand
{
    private static readonly Argument<string> Project = new("project") { Description = "Slug or id" };
    private static readonly Argument<string> Id = new("invite") { Description = "Id of the invite" };
    private static readonly Option<string?> Alias = new("--alias") { Description = "The only alias under which it lets an agent join" };
    private static readonly Option<double> Days = new("--days")
    {
        Description = "For how many days it may be used; at most 30",
        DefaultValueFactory = _ => 7,
    };

    public static Command Create()
    {
        var create = AdminOptions.Asking("create", "Invite one agent: prints what its client is given as the server's address.",
            static async (parsed, api, cancellation) =>
        {
            var body = new JsonObject { ["expires_in_seconds"] = (long)Math.Clamp(parsed.GetValue(Days) * 86_400, 1, int.MaxValue) };
            if (parsed.GetValue(Alias) is { } alias) body["alias"] = alias;
            var made = await api.Ask(HttpMethod.Post, $"v1/projects/{await Of(parsed, api, cancellation)}/invites", body, cancellation);
            if (parsed.GetValue(AdminOptions.Json)) Console.WriteLine(made.GetRawText());
            else Console.WriteLine(made.GetProperty("url").GetString());
        });
        var list = AdminOptions.Asking("list", "Invites of a project, newest first, without their codes.",
            static async (parsed, api, cancellation) =>
        {
            var answer = await api.Ask(HttpMethod.Get, $"v1/projects/{await Of(parsed, api, cancellation)}/invites", null, cancellation);
            var invites = answer.GetProperty("invites").EnumerateArray().ToArray();
            if (parsed.GetValue(AdminOptions.Json)) Table.PrintJson(invites);
            else
                Table.Print(["ID", "STATUS", "ALIAS", "CREATED", "EXPIRES"], invites.Select(static invite => new[]
                {
                    Table.Field(invite, "invite_id"), Table.Field(invite, "status"), Table.Field(invite, "alias"),
                    Table.Field(invite, "created_at"), Table.Field(invite, "expires_at"),
                }));
        });
        var revoke = AdminOptions.Asking("revoke", "Revoke an invite that is open.", static async (parsed, api, cancellation) =>
        {
            var invite = await api.Ask(HttpMethod.Delete,
                $"v1/projects/{await Of(parsed, api, cancellation)}/invites/{Uri.EscapeDataString(parsed.GetValue(Id)!)}", null,
                cancellation);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"The invite is {Table.Field(invite, "status")}."));
        });
        foreach (var command in new[] { create, list, revoke }) command.Arguments.Add(Project);
        create.Options.Add(Alias);
        create.Options.Add(Days);
        revoke.Arguments.Add(Id);
        return new("invite", "Invite agents into a project, where joining is by invite.") { create, list, revoke };
    }

    private static async Task<string> Of(ParseResult parsed, AdminApi api, CancellationToken cancellation) =>
        (await api.Project(parsed.GetValue(Project)!, parsed.GetValue(AdminOptions.Tenant), cancellation)).GetProperty("project_id")
            .GetString()!;
}
