using System.CommandLine;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Beadhub.Silo.Logging;

namespace Beadhub.Silo.Doctor;

/// <summary><c>beadhub doctor</c>: looks at what a server with these settings stands on, and says what to do. It changes nothing, and may
/// run beside a server.</summary>
internal static class DoctorCommand
{
    private static readonly JsonWriterOptions JsonOptions = new() { Indented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly Option<string?> Database =
        new("--database") { Description = "sqlite:PATH, a postgres:// URL or an Npgsql string [BEADHUB_DATABASE_URL]" };
    private static readonly Option<bool> Json = new("--json") { Description = "For machines" };

    public static Command Create()
    {
        var command = new Command("doctor",
            "Check settings, database, Redis, clock, disk and port, and say what to do. Changes nothing.") { Database, Json };
        command.SetAction((parsed, cancellation) => Run(parsed.GetValue(Database), parsed.GetValue(Json), cancellation));
        return command;
    }

    /// <summary>0 when nothing failed.</summary>
    private static async Task<int> Run(string? database, bool json, CancellationToken cancellation)
    {
        var findings = new List<Finding>();
        await foreach (var found in Examination.Run(Environment.GetEnvironmentVariable, database, cancellation))
        {
            // What a library says about a failure is not in our hands.
            var finding = found with { Message = Redaction.Clean(found.Message) };
            findings.Add(finding);
            if (!json) Print(finding);
        }

        if (json) Console.WriteLine(ToJson(findings));
        return findings.Exists(static finding => finding.Verdict == Verdict.Fail) ? 1 : 0;
    }

    private static void Print(Finding finding)
    {
        Console.WriteLine($"{Word(finding.Verdict),-4}  {finding.What,-16}  {finding.Message}");
        if (finding.Remedy is not null) Console.WriteLine($"{"",-24}→ {finding.Remedy}");
    }

    private static string ToJson(List<Finding> findings)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, JsonOptions))
        {
            json.WriteStartObject();
            json.WriteString("verdict", Word(findings.Max(static finding => finding.Verdict)));
            json.WriteStartArray("findings");
            foreach (var finding in findings)
            {
                json.WriteStartObject();
                json.WriteString("verdict", Word(finding.Verdict));
                json.WriteString("what", finding.What);
                json.WriteString("says", finding.Message);
                json.WriteString("remedy", finding.Remedy);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    private static string Word(Verdict verdict) => verdict.ToString().ToLowerInvariant();
}
