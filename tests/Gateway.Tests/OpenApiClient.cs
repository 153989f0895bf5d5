using System.Text.Json;
using Beadhub.Gateway.Tests.Stores;
using Beadhub.Testing;

namespace Beadhub.Gateway.Tests;

/// <summary>
/// <c>/openapi/v1.json</c> as its readers use it: checked by the rules that <c>@redocly/cli</c> recommends, made into TypeScript types by
/// <c>openapi-typescript</c>, and called by a client that knows nothing but those (<c>TypeScript/client.ts</c>). Without npm packages it is
/// skipped.
/// </summary>
[OnAnyStore]
public sealed class OpenApiClient(SqliteStore store) : ContractTests(store)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_document_lints_clean_and_a_client_made_from_it_compiles_and_runs()
    {
        var folder = Directory.CreateTempSubdirectory("beadhub-openapi-").FullName;
        try
        {
            foreach (var file in Directory.GetFiles(Path.Combine(ServerProcess.Root(), "tests/Gateway.Tests/TypeScript")))
                File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
            await Npm.Install(folder);
            await File.WriteAllTextAsync(Path.Combine(folder, "v1.json"), (await Api.Get("/openapi/v1.json")).Text, Cancelled);

            await Lint(folder);
            await Npm.Run(folder, "node_modules/.bin/openapi-typescript", "v1.json", "-o", "v1.d.ts");
            await Npm.Run(folder, "node_modules/.bin/tsc", "-p", ".");
            var agent = await NewProject().Agent();
            (await Npm.Run(folder, "node", "client.js", Api.Address.ToString().TrimEnd('/'), agent.Key))
                .ShouldContain("ok an error's fields");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task Lint(string folder)
    {
        var (_, output, _) = await Npm.Start(folder, "node_modules/.bin/redocly", "lint", "v1.json", "--format=json");
        using var report = JsonDocument.Parse(output[output.IndexOf('{')..(output.LastIndexOf('}') + 1)]);
        var problems = report.RootElement.Items("problems")
            .Select(problem =>
                $"{problem.Text("severity")} {problem.Text("ruleId")} at {problem.Items("location")[0].Text("pointer")}: "
                + $"{problem.Text("message")}")
            .ToArray();
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', problems));
        problems.Where(problem => problem.StartsWith("error", StringComparison.Ordinal)).ShouldBeEmpty();
    }
}
