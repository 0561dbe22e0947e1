using System.CommandLine;
using ReadStateStream.Drivers.Crash;
using ReadStateStream.Drivers.Irc;
using ReadStateStream.Drivers.Vectors;
using ReadStateStream.Harness;
using Spectre.Console;

namespace ReadStateStream.Drivers;

/// <summary>
/// Runs the product as its user would, by its executables and HTTP alone; the crash verb also reads and damages its
/// files, and runs partitions over images of a power cut in this process.
/// </summary>
internal static class Program
{
    private static readonly Option<DirectoryInfo?> Product = new("--product")
    {
        Description = "Root of the built repository whose programs are started; default: the one this lies in",
        Recursive = true,
    };

    private static readonly IAnsiConsole Progress = AnsiConsole.Create(new AnsiConsoleSettings
    {
        Out = new AnsiConsoleOutput(Console.Error),
        Ansi = Console.IsErrorRedirected ? AnsiSupport.No : AnsiSupport.Detect,
        Interactive = Console.IsErrorRedirected ? InteractionSupport.No : InteractionSupport.Detect,
    });

    private static Task<int> Main(string[] args)
    {
        var root = new RootCommand("Drives ReadStateStream by HTTP and compares what it answers.") { Product, VectorsCommand(), IrcCommand(), CrashCommand() };
        return root.Parse(args).InvokeAsync();
    }

    private static Command VectorsCommand()
    {
        var file = new Argument<FileInfo>("FILE") { Description = "Scenarios, one JSON object a line" }.AcceptExistingOnly();
        var parallel = new Option<int>("--parallel")
        {
            Description = "Policies played side by side, each with a product of its own",
            DefaultValueFactory = _ => Math.Clamp(Environment.ProcessorCount, 1, 4),
        };
        var command = new Command("vectors", "Plays scenarios; a line PASS, FAIL or DECLINED for each, then the totals") { file, parallel };
        command.SetAction((parsed, cancellation) =>
            new VectorRun(new ProductOptions { Root = parsed.GetValue(Product)?.FullName }, TimeProvider.System)
                .PlayAsync(parsed.GetRequiredValue(file), parsed.GetValue(parallel), Progress, Console.Out, cancellation));
        return command;
    }

    private static Command IrcCommand()
    {
        var file = new Argument<FileInfo>("FILE") { Description = "irc_events.jsonl.gz of the shared folder" }.AcceptExistingOnly();
        var ingest = new Option<Uri?>("--ingest") { Description = "A running processor, with none of these channels; default: one is started" };
        var api = new Option<Uri?>("--url") { Description = "The running query API" };
        var seed = new Option<int>("--seed") { Description = "Of reads and kills", DefaultValueFactory = _ => 1 };
        var reads = new Option<double>("--reads") { Description = "Synthesised events for a message", DefaultValueFactory = _ => 1.0 };
        var lanes = new Option<int>("--lanes") { Description = "Requests in flight", DefaultValueFactory = _ => 8 };
        var kills = new Option<int>("--kill") { Description = "kill -9 the processor so many times while publishing" };
        var command = new Command("irc", "Publishes the IRC history with seeded reads, then compares every (user, channel) pair")
        {
            file, ingest, api, seed, reads, lanes, kills,
        };
        command.Validators.Add(result =>
        {
            if ((result.GetValue(ingest) is null) != (result.GetValue(api) is null)) result.AddError("--ingest and --url go together");
            if (result.GetValue(ingest) is not null && result.GetValue(kills) > 0) result.AddError("--kill needs a processor of its own");
        });
        command.SetAction((parsed, cancellation) =>
        {
            var options = new IrcOptions(
                parsed.GetRequiredValue(file), parsed.GetValue(seed), parsed.GetValue(reads), parsed.GetValue(lanes), parsed.GetValue(kills));
            var run = new IrcRun(options, TimeProvider.System, Progress, Console.Out);
            return parsed.GetValue(ingest) is { } url
                ? run.RunAsync(url, parsed.GetRequiredValue(api)!, null, cancellation)
                : run.RunAsync(new ProductOptions { Root = parsed.GetValue(Product)?.FullName }, cancellation);
        });
        return command;
    }

    private static Command CrashCommand()
    {
        var rounds = new Option<int>("--rounds") { Description = "kill -9 at each named step so many times", DefaultValueFactory = _ => 20 };
        var random = new Option<int>("--random") { Description = "kill -9 at so many random moments", DefaultValueFactory = _ => 200 };
        var images = new Option<int>("--images") { Description = "Images of power cuts", DefaultValueFactory = _ => 1_000 };
        var disks = new Option<bool>("--disks") { Description = "Full disks, and a snapshot folder that is away", DefaultValueFactory = _ => true };
        var shortly = new Option<bool>("--short") { Description = "1 kill at each step and of each random kind, 100 images, no disks" };
        var seed = new Option<int>("--seed") { Description = "Of everything", DefaultValueFactory = _ => 1 };
        var steps = new Option<string?>("--steps") { Description = "Only steps whose names contain this" };
        var command = new Command("crash", "Kills, cuts, flips and fills; compares everything with the oracle; prints one table")
        {
            rounds, random, images, disks, shortly, seed, steps,
        };
        command.SetAction((parsed, cancellation) =>
        {
            var options = parsed.GetValue(shortly)
                ? new CrashOptions(1, 9, 100, false, true, parsed.GetValue(seed), parsed.GetValue(steps))
                : new CrashOptions(
                    parsed.GetValue(rounds), parsed.GetValue(random), parsed.GetValue(images), parsed.GetValue(disks), false,
                    parsed.GetValue(seed), parsed.GetValue(steps));
            return new CrashRun(options, parsed.GetValue(Product)?.FullName, TimeProvider.System, Progress, Console.Out).RunAsync(cancellation);
        });
        return command;
    }
}
