using System.CommandLine;
using Microsoft.AspNetCore.Builder;
using ReadStateStream.Host.Settings;
using ReadStateStream.Partition.Recovery;
using ReadStateStream.Partition.Store;

namespace ReadStateStream.Host.Verbs.Shared;

/// <summary>What every verb has around it: settings, where it writes to, the clock.</summary>
/// <param name="Settings">The option <c>--set</c>, the same as without a verb.</param>
/// <param name="Output">Where results go.</param>
/// <param name="Error">Where progress and errors go.</param>
/// <param name="Time">The clock.</param>
internal sealed record VerbSurroundings(Option<string[]> Settings, TextWriter Output, TextWriter Error, TimeProvider Time)
{
    /// <summary>All is well.</summary>
    public const int Fine = 0;

    /// <summary>A problem was found, or the verb failed.</summary>
    public const int Problem = 1;

    /// <summary>A setting or an argument is refused.</summary>
    public const int Refused = 2;

    /// <summary>Lets a command do its work with the settings that the processor would have.</summary>
    public void Bind(Command command, Func<ProcessorSettings, ParseResult, CancellationToken, Task<int>> work) =>
        command.SetAction((parsed, cancellation) => RunAsync(parsed, work, cancellation));

    /// <summary>Progress bars are drawn for a person, lines are written otherwise.</summary>
    public bool IsTerminal => ReferenceEquals(Error, Console.Error) && !Console.IsErrorRedirected;

    private async Task<int> RunAsync(
        ParseResult parsed, Func<ProcessorSettings, ParseResult, CancellationToken, Task<int>> work, CancellationToken cancellation)
    {
        try
        {
            return await work(Read(parsed.GetValue(Settings) ?? []), parsed, cancellation);
        }
        catch (SettingException refused)
        {
            await Error.WriteLineAsync("processor: " + refused.Message);
            return Refused;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            await Error.WriteLineAsync("processor: cancelled");
            return Problem;
        }
        // What an operator can mend is one line, not a stack.
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException or InvalidDataException or DamageException
            or SnapshotUnavailableException or SnapshotDamagedException or LineageGoneException or RecoveryRefusedException)
        {
            await Error.WriteLineAsync("processor: " + failed.Message);
            return Problem;
        }
    }

    private static ProcessorSettings Read(string[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            Args = SettingArguments.Of(settings), ContentRootPath = AppContext.BaseDirectory,
        });
        return new ProcessorSettings(builder.Configuration);
    }
}
