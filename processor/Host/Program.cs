using System.CommandLine;
using ReadStateStream.Host.Verbs;

namespace ReadStateStream.Host;

/// <summary>The executable: without a verb it runs the processor; operator verbs are subcommands.</summary>
public static class Program
{
    private static Task<int> Main(string[] args) => RunAsync(args, Wiring.CreateParts, Console.Out, Console.Error);

    /// <summary>The whole process with its parts and its output given; its exit code.</summary>
    public static Task<int> RunAsync(
        string[] args, Func<IServiceProvider, IProcessorParts> createParts, TextWriter output, TextWriter error)
    {
        var root = RunVerb.Root(createParts, output, error);
        var configuration = new InvocationConfiguration
        {
            Output = output,
            Error = error,
            EnableDefaultExceptionHandler = false,
            // The host has signal handling of its own, with a graceful stop.
            ProcessTerminationTimeout = null,
        };
        var parsed = root.Parse(args);
        // What is wrong is said by the library, whose exit code for it is that of a failure.
        return parsed.Errors.Count == 0 ? parsed.InvokeAsync(configuration) : RefuseAsync(parsed, configuration);
    }

    private static async Task<int> RefuseAsync(ParseResult parsed, InvocationConfiguration configuration)
    {
        await parsed.InvokeAsync(configuration);
        return 2;
    }
}
