using System.CommandLine;
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
        var root = new RootCommand("Drives ReadStateStream by HTTP and compares what it answers.") { Product, VectorsCommand() };
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
}
