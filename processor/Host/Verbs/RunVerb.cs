using System.CommandLine;
using ReadStateStream.Host.Settings;

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
        };
        var root = new RootCommand("ReadStateStream's processor: takes events, folds them, answers partition queries.") { settings };
        root.SetAction((parsed, cancellation) => RunAsync(parsed.GetValue(settings) ?? [], createParts, output, error, cancellation));
        return root;
    }

    private static async Task<int> RunAsync(
        string[] settings, Func<IServiceProvider, IProcessorParts> createParts, TextWriter output, TextWriter error, CancellationToken cancellation)
    {
        try
        {
            var args = settings.Select(setting => "--" + setting.Replace("__", ":", StringComparison.Ordinal)).ToArray();
            var app = Wiring.Build(args, createParts, output, TimeProvider.System);
            await using (app.ConfigureAwait(false))
            {
                await app.StartAsync(cancellation).ConfigureAwait(false);
                using var stop = cancellation.Register(app.Lifetime.StopApplication);
                await app.WaitForShutdownAsync(CancellationToken.None).ConfigureAwait(false);
            }
            return 0;
        }
        catch (SettingException refused)
        {
            await error.WriteLineAsync("processor: " + refused.Message).ConfigureAwait(false);
            return 2;
        }
        // What the operator can mend (a port in use, a folder not writable) is one line, not a stack.
        catch (IOException failed)
        {
            await error.WriteLineAsync("processor: " + failed.Message).ConfigureAwait(false);
            return 1;
        }
        catch (UnauthorizedAccessException failed)
        {
            await error.WriteLineAsync("processor: " + failed.Message).ConfigureAwait(false);
            return 1;
        }
    }
}
