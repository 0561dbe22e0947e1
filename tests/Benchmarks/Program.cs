using ReadStateStream.Benchmarks.Broker;
using ReadStateStream.Benchmarks.Processes;
using ReadStateStream.Benchmarks.Verbs;

namespace ReadStateStream.Benchmarks;

internal static class Program
{
    private const string Usage =
        "usage: benchmarks [rmw|scan|latency|alloc|size|query|checkpoint|stall|restart|ship|broker|moves|all] [--states n] [--events n] [--rounds n] [--rate n] [--seconds n] [--seed n]";

    private static int Main(string[] arguments)
    {
        try
        {
            if (arguments is ["child", var name, ..])
            {
                if (name.StartsWith(BrokerChild.Prefix, StringComparison.Ordinal))
                {
                    BrokerChild.Serve(name, Settings.Parse(arguments.AsSpan(2)));
                    return 0;
                }
                using var child = new Child(name, Settings.Parse(arguments.AsSpan(2)));
                child.Serve(Console.In, Console.Out);
                return 0;
            }
            var verb = arguments is [var first, ..] && !first.StartsWith('-') ? first : null;
            return Run(verb ?? "all", Settings.Parse(arguments.AsSpan(verb is null ? 0 : 1)));
        }
        catch (ArgumentException e)
        {
            Console.Error.WriteLine(e.Message);
            Console.Error.WriteLine(Usage);
            return 2;
        }
    }

    private static int Run(string verb, Settings settings)
    {
        using var bench = new Bench(settings, Console.Out);
        switch (verb)
        {
            case "rmw": RmwVerb.Run(bench); break;
            case "latency": LatencyVerb.Run(bench); break;
            case "alloc": AllocVerb.Run(bench); break;
            case "scan": ScanVerb.Run(bench); break;
            case "size": SizeVerb.Run(bench); break;
            case "query": QueryVerb.Run(bench); break;
            case "checkpoint": CheckpointVerb.Run(bench); break;
            case "stall": StallVerb.Run(bench); break;
            case "restart": RestartVerb.Run(bench); break;
            case "ship": ShipVerb.Run(bench); break;
            case "broker": BrokerVerb.Run(bench); break;
            case "moves": MovesVerb.Run(bench); break;
            case "all":
                RmwVerb.Run(bench);
                ScanVerb.Run(bench);
                AllocVerb.Run(bench);
                LatencyVerb.Run(bench);
                SizeVerb.Run(bench);
                QueryVerb.Run(bench);
                CheckpointVerb.Run(bench);
                StallVerb.Run(bench);
                RestartVerb.Run(bench);
                ShipVerb.Run(bench);
                BrokerVerb.Run(bench);
                MovesVerb.Run(bench);
                break;
            default: throw new ArgumentException($"unknown verb {verb}");
        }
        return bench.Missed == 0 ? 0 : 1;
    }
}
