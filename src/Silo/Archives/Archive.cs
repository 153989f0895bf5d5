using System.Data.Common;
using System.Globalization;
using Beadhub.EventLog;
using Beadhub.Silo.Administration;

namespace Beadhub.Silo.Archives;

/// <summary>
/// Takes events out of a log into files and puts them back. The file is whole, on the disk, and was compared with the log before the log
/// is changed, in one transaction: whenever it ends, each event is in the log, in a file, or in both.
/// </summary>
internal sealed class Archive(HeldLog held, TimeProvider time)
{
    private const int PageSize = 500;

    /// <summary>Writes what a plan names into a file of a folder, and takes it out of the log.</summary>
    /// <returns>The file.</returns>
    /// <exception cref="CommandFailedException">The file could not be written or compared, or the store refused; nothing was changed
    /// then.</exception>
    public async Task<string> Run(HeldProject project, ArchivePlan plan, string folder, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        var name = string.Create(CultureInfo.InvariantCulture,
            $"{project.Slug.Replace('/', '_')}-{project.Id[..8]}-{now:yyyyMMdd'T'HHmmssfff'Z'}.jsonl");
        var (path, part) = (Path.Combine(folder, name), Path.Combine(folder, name + ".part"));
        try
        {
            System.IO.Directory.CreateDirectory(folder);
            await ArchiveFile.Write(part, project, now, ArchiveFile.Rows(held, project.Id, plan.Archived, cancellation), cancellation);
            await Compare(part, project, plan.Archived, cancellation);
            File.Move(part, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (File.Exists(part)) File.Delete(part);
            throw new CommandFailedException($"{path} cannot be written: {e.Message}; nothing was changed");
        }

        try
        {
            await Remove(project.Id, plan, cancellation);
        }
        catch (DbException e)
        {
            throw held.Failed(e);
        }

        return path;
    }

    /// <summary>Puts the events of a file back into the log, all or none.</summary>
    /// <returns>How many were put back, and how many were there.</returns>
    /// <exception cref="CommandFailedException">The file is damaged, its project is not in the log, or the log holds something else in an
    /// event's place; nothing was changed then.</exception>
    public async Task<(long Restored, long There)> Restore(string path, CancellationToken cancellation)
    {
        var (project, _) = await ArchiveFile.Verify(path, cancellation);
        var (restored, there) = (0L, 0L);
        try
        {
            if (await held.Count("SELECT count(*) FROM events WHERE project = @id", cancellation, ("id", project.Id)) == 0)
                throw new CommandFailedException($"the log does not have the project '{project.Slug}' ({project.Id})");
            await using var transaction = await held.Connection.BeginTransactionAsync(cancellation);
            await foreach (var archived in ArchiveFile.Read(path, cancellation))
            {
                var stored = archived.Event;
                (string, object)[] values =
                [
                    ("project", stored.ProjectId), ("position", stored.Position), ("kind", stored.Kind), ("key", stored.Key),
                    ("version", stored.Version), ("type", stored.Type), ("data", stored.Data), ("at", held.Stored(stored.At)),
                    ("mark", (object?)archived.Mark ?? DBNull.Value), ("emptied", ArchivedEvents.Type),
                ];
                if (await held.Execute("""
                    INSERT INTO events (project, position, kind, key, version, type, data, at, mark)
                    VALUES (@project, @position, @kind, @key, @version, @type, @data, @at, @mark)
                    ON CONFLICT (kind, key, version) DO UPDATE SET type = excluded.type, data = excluded.data
                    WHERE events.type = @emptied AND events.project = excluded.project AND events.position = excluded.position
                    """, cancellation, values) == 1) restored++;
                else if (await held.Count("""
                    SELECT count(*) FROM events WHERE project = @project AND position = @position AND kind = @kind AND key = @key
                        AND version = @version AND type = @type AND data = @data
                    """, cancellation, values) == 1) there++;
                else
                    throw new CommandFailedException(
                        $"the log holds another event at version {stored.Version} of {stored.Kind}/{stored.Key}; nothing was changed");
            }

            await transaction.CommitAsync(cancellation);
        }
        catch (DbException e)
        {
            throw held.Failed(e);
        }

        return (restored, there);
    }

    private async Task Compare(string path, HeldProject project, IReadOnlyList<long> positions, CancellationToken cancellation)
    {
        await using var rows = ArchiveFile.Rows(held, project.Id, positions, cancellation).GetAsyncEnumerator(cancellation);
        var count = 0;
        await foreach (var archived in ArchiveFile.Read(path, cancellation))
        {
            count++;
            if (!await rows.MoveNextAsync() || rows.Current != archived)
                throw new CommandFailedException(
                    $"{path} is not what the log has at position {archived.Event.Position}; nothing was changed");
        }

        if (count != positions.Count)
            throw new CommandFailedException($"{path} holds {count} of {positions.Count} events; nothing was changed");
    }

    private async Task Remove(string project, ArchivePlan plan, CancellationToken cancellation)
    {
        await using var transaction = await held.Connection.BeginTransactionAsync(cancellation);
        foreach (var due in plan.Snapshots)
        {
            await held.Execute("""
                INSERT INTO snapshots (kind, key, project, version, snapshot) VALUES (@kind, @key, @project, @version, @snapshot)
                ON CONFLICT (kind, key) DO UPDATE SET version = excluded.version, snapshot = excluded.snapshot
                """, cancellation, ("kind", due.Stream.Kind), ("key", due.Stream.Key), ("project", project), ("version", due.Version),
                ("snapshot", due.Snapshot));
        }

        var changed = 0L;
        foreach (var some in plan.Leaving.Chunk(PageSize))
        {
            changed += await held.Execute($"DELETE FROM events WHERE project = @project AND position IN ({ArchiveFile.List(some)})",
                cancellation, ("project", project));
        }

        foreach (var some in plan.Emptied.Chunk(PageSize))
        {
            changed += await held.Execute(
                "UPDATE events SET type = @type, data = '{}' WHERE project = @project AND position IN (" + ArchiveFile.List(some) + ")",
                cancellation, ("project", project), ("type", ArchivedEvents.Type));
        }

        if (changed != plan.Archived.Count)
            throw new CommandFailedException($"{changed} of {plan.Archived.Count} events were found again; nothing was changed");
        await transaction.CommitAsync(cancellation);
    }
}
