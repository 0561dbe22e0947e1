using System.CommandLine;
using ReadStateStream.Harness;
using Spectre.Console;

namespace ReadStateStream.Rebalance;

/// <summary>Real processors on a real broker, whose partitions are moved about under load.</summary>
internal static class Program
{
    private static readonly IAnsiConsole Progress = AnsiConsole.Create(new AnsiConsoleSettings
    {
        Out = new AnsiConsoleOutput(Console.Error),
        Ansi = Console.IsErrorRedirected ? AnsiSupport.No : AnsiSupport.Detect,
        Interactive = Console.IsErrorRedirected ? InteractionSupport.No : InteractionSupport.Detect,
    });

    private static Task<int> Main(string[] args)
    {
        var moves = new Option<int>("--moves") { Description = "Rebalances", DefaultValueFactory = static _ => 50 };
        var processors = new Option<int>("--processors") { Description = "Processors at first", DefaultValueFactory = static _ => 3 };
        var of = new Option<Trouble>("--of") { Description = "What is troubled", DefaultValueFactory = static _ => Trouble.Members };
        var seed = new Option<int>("--seed") { Description = "Of everything", DefaultValueFactory = static _ => 1 };
        var product = new Option<DirectoryInfo?>("--product") { Description = "Root of the built repository; default: the one this lies in" };
        var root = new RootCommand("Joins, leaves, kills and pauses processors, kills brokers, or cuts the network between them, under load; holds every answer against the oracle; prints one table. Code 3: there is no broker")
        {
            of, moves, processors, seed, product,
        };
        root.SetAction((parsed, cancellation) => new RebalanceRun(
            new RebalanceOptions(parsed.GetValue(of), parsed.GetValue(moves), parsed.GetValue(processors), parsed.GetValue(seed)),
            parsed.GetValue(product)?.FullName ?? Checkout.Root, TimeProvider.System, Progress, Console.Out).RunAsync(cancellation));
        return root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromMinutes(1) });
    }
}
