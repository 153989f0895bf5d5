using System.CommandLine;
using Beadhub.Storm;
using Beadhub.Testing;

var seconds = new Option<int>("--seconds") { Description = "How long the agents work and faults come", DefaultValueFactory = _ => 60 };
var agents = new Option<int>("--agents") { Description = "Agents in all", DefaultValueFactory = _ => 32 };
var nodes = new Option<int>("--nodes") { Description = "Nodes of the cluster", DefaultValueFactory = _ => 3 };
var seed = new Option<int>("--seed") { Description = "What agents and faults choose by", DefaultValueFactory = _ => 1 };
var noRedis = new Option<bool>("--no-redis") { Description = "A cluster on PostgreSQL alone" };
var stale = new Option<bool>("--plant-stale-reads")
{
    Description = "Nothing fails, but the balancer answers from a cache: the check must find it",
};
var command =
    new RootCommand(
    "Lets agents work on a cluster whose nodes, PostgreSQL and Redis fail, and checks that nothing acknowledged was lost or done twice.") {
    seconds, agents, nodes, seed, noRedis, stale };
command.SetAction(async (parsed, _) =>
{
    if (Cluster.Missing is { } missing)
    {
        Console.Error.WriteLine(missing);
        return 1;
    }

    var weather = new Weather(
        TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(agents), parsed.GetValue(nodes), !parsed.GetValue(noRedis),
        Seed: parsed.GetValue(seed), PlantsStaleReads: parsed.GetValue(stale));
    var report = await weather.Run(Console.WriteLine);
    Console.WriteLine(report);
    return report.Violations.Count == 0 ? 0 : 1;
});
return await command.Parse(args).InvokeAsync();
