using Beadhub.Bench;

// The same executable is the bench and the apps that it compares with, so that these have no start-up work of their own.
switch (args)
{
    case ["empty", var port]:
        ReferenceApp.Empty(int.Parse(port));
        return 0;
    case ["reference", var port, var folder]:
        ReferenceApp.Bytes(int.Parse(port), folder);
        return 0;
    case ["fan-out", var port]:
        ReferenceApp.FanOut(int.Parse(port));
        return 0;
    default:
        return await Bench.Run(args);
}
