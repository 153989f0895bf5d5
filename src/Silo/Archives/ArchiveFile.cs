using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Beadhub.Feed;
using Beadhub.Silo.Administration;

namespace Beadhub.Silo.Archives;

/// <summary>An event of an archive: the event, and its deduplication key.</summary>
internal sealed record ArchivedEvent(FeedEvent Event, string? Mark);

/// <summary>
/// A file of events that were taken out of a log, as JSON lines: a head that names the project, an event a line in the order of the
/// project's feed, and an end that counts the events and holds the digest of all bytes before it. What an event says is kept as it was
/// stored, byte for byte, in a JSON string.
/// </summary>
internal static class ArchiveFile
{
    private const string Format = "beadhub_archive";
    private const int PageSize = 500;

    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes a file, whole and on the disk when this returns. It must not be there before.</summary>
    public static async Task Write(string path, HeldProject project, DateTimeOffset madeAt, IAsyncEnumerable<ArchivedEvent> events,
        CancellationToken cancellation)
    {
        // What agents have written to each other is for the operator's eyes.
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 64 * 1024 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        await using var file = new FileStream(path, options);
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var count = 0L;
        await Line(json =>
        {
            json.WriteNumber(Format, 1);
            json.WriteString("project", project.Id);
            json.WriteString("slug", project.Slug);
            json.WriteString("made_at", madeAt);
        });
        await foreach (var archived in events.WithCancellation(cancellation))
        {
            await Line(json => Write(json, archived));
            count++;
        }

        var sum = Convert.ToHexStringLower(digest.GetHashAndReset());
        await Line(json =>
        {
            json.WriteNumber("events", count);
            json.WriteString("sha256", sum);
        });
        file.Flush(flushToDisk: true);

        async Task Line(Action<Utf8JsonWriter> fields)
        {
            using var buffer = new MemoryStream();
            using (var json = new Utf8JsonWriter(buffer, Options))
            {
                json.WriteStartObject();
                fields(json);
                json.WriteEndObject();
            }

            buffer.WriteByte((byte)'\n');
            var bytes = buffer.GetBuffer().AsMemory(0, (int)buffer.Length);
            digest.AppendData(bytes.Span);
            await file.WriteAsync(bytes, cancellation);
        }
    }

    /// <summary>The project that a file is of, and how many events it holds; all of it is read and checked.</summary>
    /// <exception cref="CommandFailedException">It cannot be read, is no archive, or not whole.</exception>
    public static async Task<(HeldProject Project, long Events)> Verify(string path, CancellationToken cancellation)
    {
        var events = 0L;
        await foreach (var _ in Read(path, cancellation)) events++;
        using var reader = Open(path);
        return (Head(path, await reader.ReadLineAsync(cancellation)) with { Events = events }, events);
    }

    /// <summary>The events of a file, in the order of the feed. Whether the file is whole is known at the end.</summary>
    /// <exception cref="CommandFailedException">As for <see cref="Verify"/>.</exception>
    public static async IAsyncEnumerable<ArchivedEvent> Read(string path, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        using var reader = Open(path);
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var first = await reader.ReadLineAsync(cancellation);
        var project = Head(path, first);
        Digest(first!);
        var (count, ended) = (0L, false);
        while (await reader.ReadLineAsync(cancellation) is { } line)
        {
            if (ended) throw Damaged(path, "lines follow its end");
            if (Parse(path, line, project.Id) is { } archived)
            {
                Digest(line);
                count++;
                yield return archived;
                continue;
            }

            var (events, sum) = End(path, line);
            if (events != count) throw Damaged(path, $"it holds {count} events and names {events}");
            if (sum != Convert.ToHexStringLower(digest.GetHashAndReset())) throw Damaged(path, "its digest is another one");
            ended = true;
        }

        if (!ended) throw Damaged(path, "its end is missing");

        void Digest(string line)
        {
            digest.AppendData(Encoding.UTF8.GetBytes(line));
            digest.AppendData("\n"u8);
        }
    }

    /// <summary>The rows of a project at positions, in the order of the feed.</summary>
    public static async IAsyncEnumerable<ArchivedEvent> Rows(HeldLog held, string project, IReadOnlyList<long> positions,
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        foreach (var some in positions.Chunk(PageSize))
        {
            foreach (var row in await held.Rows(
                $"SELECT position, kind, key, version, type, data, at, mark FROM events WHERE project = @id AND position IN ({List(some)}) "
                + "ORDER BY position",
                row => new ArchivedEvent(
                    new(project, row.GetInt64(0), row.GetString(1), row.GetString(2), row.GetInt64(3), row.GetString(4), row.GetString(5),
                        held.Time(row, 6)), row.IsDBNull(7) ? null : row.GetString(7)), cancellation, ("id", project)))
                yield return row;
        }
    }

    /// <summary>Numbers as SQL.</summary>
    public static string List(IEnumerable<long> numbers) =>
        string.Join(',', numbers.Select(static number => number.ToString(CultureInfo.InvariantCulture)));

    private static void Write(Utf8JsonWriter json, ArchivedEvent archived)
    {
        var stored = archived.Event;
        json.WriteNumber("position", stored.Position);
        json.WriteString("at", stored.At);
        json.WriteString("kind", stored.Kind);
        json.WriteString("key", stored.Key);
        json.WriteNumber("version", stored.Version);
        json.WriteString("type", stored.Type);
        if (archived.Mark is not null) json.WriteString("mark", archived.Mark);
        json.WriteString("data", stored.Data);
    }

    private static StreamReader Open(string path)
    {
        try
        {
            return new(path, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailedException($"{path} cannot be read: {e.Message}");
        }
    }

    private static HeldProject Head(string path, string? line)
    {
        try
        {
            using var json = JsonDocument.Parse(line ?? "");
            var head = json.RootElement;
            if (head.GetProperty(Format).GetInt32() == 1)
                return new(head.GetProperty("project").GetString()!, head.GetProperty("slug").GetString()!, 0);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            // Said below.
        }

        throw new CommandFailedException($"{path} is no archive of this version");
    }

    private static ArchivedEvent? Parse(string path, string line, string project)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            var fields = json.RootElement;
            if (!fields.TryGetProperty("position", out var position)) return null;
            return new(
                new(project, position.GetInt64(), Text("kind"), Text("key"), fields.GetProperty("version").GetInt64(), Text("type"),
                    Text("data"), fields.GetProperty("at").GetDateTimeOffset()),
                fields.TryGetProperty("mark", out var mark) ? mark.GetString() : null);

            string Text(string name) => fields.GetProperty(name).GetString()!;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw Damaged(path, e.Message);
        }
    }

    private static (long Events, string Sum) End(string path, string line)
    {
        using var json = JsonDocument.Parse(line);
        return json.RootElement.TryGetProperty("events", out var events) && json.RootElement.TryGetProperty("sha256", out var sum)
            ? (events.GetInt64(), sum.GetString()!)
            : throw Damaged(path, "a line of it is neither an event nor its end");
    }

    private static CommandFailedException Damaged(string path, string why) => new($"{path} is damaged: {why}");
}
