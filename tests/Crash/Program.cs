using System.CommandLine;
using Spectre.Console;

namespace ReadStateStream.Crash;

/// <summary>
/// Breaks the product and compares what it answers: real processes by their executables and HTTP, their files from
/// outside, and partitions over images of a power cut in this process.
/// </summary>
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
        var product = new Option<DirectoryInfo?>("--product") { Description = "Root of the built repository; default: the one this lies in" };
        var rounds = new Option<int>("--rounds") { Description = "kill -9 at each named step so many times", DefaultValueFactory = _ => 20 };
        var random = new Option<int>("--random") { Description = "kill -9 at so many random moments", DefaultValueFactory = _ => 200 };
        var images = new Option<int>("--images") { Description = "Images of power cuts", DefaultValueFactory = _ => 1_000 };
        var disks = new Option<bool>("--disks") { Description = "Full disks, and a snapshot folder that is away", DefaultValueFactory = _ => true };
        var shortly = new Option<bool>("--short") { Description = "1 kill at each step and of each random kind, 100 images, no disks" };
        var seed = new Option<int>("--seed") { Description = "Of everything", DefaultValueFactory = _ => 1 };
        var steps = new Option<string?>("--steps") { Description = "Only steps whose names contain this" };
        var root = new RootCommand("Kills, cuts, flips and fills; compares everything with the oracle; prints one table")
        {
            product, rounds, random, images, disks, shortly, seed, steps,
        };
        root.SetAction((parsed, cancellation) =>
        {
            var options = parsed.GetValue(shortly)
                ? new CrashOptions(1, 9, 100, false, true, parsed.GetValue(seed), parsed.GetValue(steps))
                : new CrashOptions(
                    parsed.GetValue(rounds), parsed.GetValue(random), parsed.GetValue(images), parsed.GetValue(disks), false,
                    parsed.GetValue(seed), parsed.GetValue(steps));
            return new CrashRun(options, parsed.GetValue(product)?.FullName, TimeProvider.System, Progress, Console.Out).RunAsync(cancellation);
        });
        // A run that is stopped still prints what it has finished, once its products are gone.
        return root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromMinutes(1) });
    }
}
