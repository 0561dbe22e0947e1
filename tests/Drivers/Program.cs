using System.CommandLine;
using ReadStateStream.Drivers.Irc;
using ReadStateStream.Drivers.Vectors;
using ReadStateStream.Harness;
using Spectre.Console;

namespace ReadStateStream.Drivers;

/// <summary>Runs the product as its user would, by its executables and HTTP alone.</summary>
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
        var root = new RootCommand("Drives ReadStateStream by HTTP and compares what it answers.") { Product, VectorsCommand(), IrcCommand() };
        return root.Parse(args).InvokeAsync();
    }

    // With KAFKA_BOOTSTRAP in the environment the log is a topic there.
    private static ProductOptions Started(ParseResult parsed) => new()
    {
        Root = parsed.GetValue(Product)?.FullName,
        KafkaBootstrap = Environment.GetEnvironmentVariable("KAFKA_BOOTSTRAP") is { Length: > 0 } brokers ? brokers : null,
    };

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
            new VectorRun(Started(parsed), TimeProvider.System)
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
                : run.RunAsync(Started(parsed), cancellation);
        });
        return command;
    }
}
