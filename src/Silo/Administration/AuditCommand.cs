using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace Beadhub.Silo.Administration;

/// <summary><c>beadhub audit</c>: who has changed what others may do, what was deleted, and refused logins.</summary>
internal static class AuditCommand
{
    private const int PageSize = 500;

    private static readonly Argument<string?> Project =
        new("project") { Description = "Slug or id; what belongs to no project unless given", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<int> Max =
        new("--max") { Description = "Print so many at most, the newest", DefaultValueFactory = static _ => 100 };

    public static Command Create()
    {
        var command = AdminOptions.Asking("audit",
            "Print who has joined, changed keys, roles, policies or webhooks, or deleted something, and refused logins; newest first.",
            static async (parsed, api, cancellation) =>
        {
            var path = "v1/instance/audit";
            if (parsed.GetValue(Project) is { } name)
            {
                var project = await api.Project(name, parsed.GetValue(AdminOptions.Tenant), cancellation);
                path = $"v1/projects/{Table.Field(project, "project_id")}/audit";
            }

            var deeds = new List<JsonElement>();
            for (string? before = null; deeds.Count < parsed.GetValue(Max);)
            {
                var page = await api.Ask(HttpMethod.Get,
                    $"{path}?limit={Math.Min(PageSize, parsed.GetValue(Max) - deeds.Count)}{(before is null ? "" : $"&before={before}")}",
                    null, cancellation);
                deeds.AddRange(page.GetProperty("entries").EnumerateArray());
                if (!page.GetProperty("has_more").GetBoolean()) break;
                before = deeds[^1].GetProperty("number").GetInt64().ToString(CultureInfo.InvariantCulture);
            }

            if (parsed.GetValue(AdminOptions.Json)) Table.PrintJson(deeds);
            else
                Table.Print(["AT", "ACTION", "BY", "TARGET", "DETAIL"], deeds.Select(static deed => new[]
                {
                    Table.Field(deed, "at"), Table.Field(deed, "action"),
                    Table.Field(deed, "by_alias") is { Length: > 1 } alias ? alias : Table.Field(deed, "by"),
                    Table.Field(deed, "target"), Table.Field(deed, "detail"),
                }));
        });
        command.Arguments.Add(Project);
        command.Options.Add(Max);
        return command;
    }
}
