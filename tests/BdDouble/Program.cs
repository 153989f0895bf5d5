using Beadhub.BdDouble;

// bd's commands as far as the tests use them; its database is the file .beads/double.db, its version the environment's BD_DOUBLE.
var version = Enum.Parse<BdVersion>(Environment.GetEnvironmentVariable("BD_DOUBLE") ?? nameof(BdVersion.Dolt13));
var path = Path.Combine(".beads", "double.db");
if (args is ["init"])
{
    Directory.CreateDirectory(".beads");
    File.WriteAllText(path, "");
    return 0;
}

if (!File.Exists(path))
{
    Console.Error.WriteLine("Error: no beads database found");
    return 1;
}

var database = new BdDatabase(version);
database.Load(File.ReadAllLines(path));
switch (args)
{
    case ["export"]:
        foreach (var line in database.Export()) Console.WriteLine(line);
        return 0;
    case ["import", "--help"]:
        Console.WriteLine(version == BdVersion.Sqlite47 ? "Usage:\n  bd import [flags]\n\nFlags:\n  -i, --input string   Input file"
            : "Usage:\n  bd import [file|-] [flags]");
        return 0;
    case ["import", "-i", var named] when version == BdVersion.Sqlite47:
        database.Import(File.ReadAllLines(named));
        break;
    case ["import", var file] when version != BdVersion.Sqlite47:
        database.Import(File.ReadAllLines(file));
        break;
    case ["create", var id, var title]:
        database.Create(id, title, DateTimeOffset.UtcNow);
        break;
    case ["close", .. var ids]:
        foreach (var id in ids) database.Close(id, DateTimeOffset.UtcNow, "done");
        break;
    case ["set", var id, var field, var value]:
        database.Edit(id, DateTimeOffset.UtcNow, issue => issue[field] = value);
        break;
    case ["delete", .. var gone, "--force"]:
        foreach (var id in gone) database.Delete(id, DateTimeOffset.UtcNow);
        break;
    default:
        Console.Error.WriteLine($"Error: unknown command {string.Join(' ', args)}");
        return 1;
}

File.WriteAllLines(path, database.Raw());
return 0;
