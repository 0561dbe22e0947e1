using System.CommandLine;
using ReadStateStream.Host.Settings;
using ReadStateStream.Host.Verbs.Shared;

namespace ReadStateStream.Host.Verbs;

/// <summary>No verb: serve until stopped. Exit codes: 0 stopped, 1 failed, 2 a setting is refused.</summary>
public static class RunVerb
{
    /// <summary>The root command; verbs are added to it.</summary>
    public static RootCommand Root(Func<IServiceProvider, IProcessorParts> createParts, TextWriter output, TextWriter error)
    {
        var settings = new Option<string[]>("--set")
        {
            Description = "A setting, Section:Key=value, above the environment's Section__Key; may be repeated.",
            HelpName = "Section:Key=value",
            Recursive = true,
        };
        const string description = "ReadStateStream's processor: takes events, folds them, answers partition queries.";
        var root = new RootCommand(description) { settings };
        root.SetAction((parsed, cancellation) =>
            RunAsync(parsed.GetValue(settings) ?? [], createParts, output, error, cancellation));
        OperatorVerbs.AddTo(root, new VerbSurroundings(settings, output, error, TimeProvider.System));
        return root;
    }

    private static async Task<int> RunAsync(
        string[] settings, Func<IServiceProvider, IProcessorParts> createParts, TextWriter output, TextWriter error,
        CancellationToken cancellation)
    {
        try
        {
            await using var app = Wiring.Build(SettingArguments.Of(settings), createParts, output, TimeProvider.System);
            await app.StartAsync(cancellation);
            using var stop = cancellation.Register(app.Lifetime.StopApplication);
            await app.WaitForShutdownAsync(CancellationToken.None);
            return 0;
        }
        catch (SettingException refused)
        {
            await error.WriteLineAsync("processor: " + refused.Message);
            return 2;
        }
        // What the operator can mend (a port in use, a folder not writable) is one line, not a stack.
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync("processor: " + failed.Message);
            return 1;
        }
    }
}
