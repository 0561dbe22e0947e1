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
    public static async Task<string> RunAsync(
        string program, IReadOnlyList<string> arguments, IEnumerable<KeyValuePair<string, string>>? environment = null)
    {
        var (code, output, errors) = await TryRunAsync(program, arguments, environment).ConfigureAwait(false);
        if (code != 0) throw new ProductFailedException($"{Path.GetFileName(program)} {string.Join(' ', arguments)}: exit code {code}\n{output}\n{errors}");
        return output;
    }

    /// <summary>Runs one; its exit code, and what it printed.</summary>
    /// <param name="program">Path, or a name that the system finds.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Added to this process's environment.</param>
    public static async Task<(int Code, string Output, string Errors)> TryRunAsync(
        string program, IReadOnlyList<string> arguments, IEnumerable<KeyValuePair<string, string>>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (key, value) in environment ?? []) start.Environment[key] = value;
        using var process = Process.Start(start) ?? throw new ProductFailedException($"{program} did not start");
        var said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync()).ConfigureAwait(false);
        await process.WaitForExitAsync().ConfigureAwait(false);
        return (process.ExitCode, said[0], said[1]);
    }
}
