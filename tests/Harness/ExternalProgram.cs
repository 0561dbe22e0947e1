using System.Diagnostics;

namespace ReadStateStream.Harness;

/// <summary>Programs that run to their end.</summary>
public static class ExternalProgram
{
    /// <summary>Runs one; what it printed.</summary>
    /// <param name="program">Path, or a name that the system finds.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Added to this process's environment.</param>
    /// <exception cref="ProductFailedException">Its exit code is not 0; with what it printed.</exception>
    public static async Task<string> RunAsync(string program, IEnumerable<string> arguments, IEnumerable<KeyValuePair<string, string>>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (key, value) in environment ?? []) start.Environment[key] = value;
        using var process = Process.Start(start) ?? throw new ProductFailedException($"{program} did not start");
        var said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync()).ConfigureAwait(false);
        await process.WaitForExitAsync().ConfigureAwait(false);
        if (process.ExitCode != 0) throw new ProductFailedException($"{Path.GetFileName(program)} {string.Join(' ', start.ArgumentList)}: exit code {process.ExitCode}\n{string.Join('\n', said)}");
        return said[0];
    }
}
