using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace ReadStateStream.Harness;

/// <summary>A program of ours as its user starts it: awaited by its ready line, stopped or killed by signal.</summary>
public sealed partial class ChildProcess : IDisposable
{
    private const int LogLinesKept = 400;
    private const int Sigterm = 15;
    private const int Sigstop = 19;
    private const int Sigcont = 18;

    private readonly Process process;
    private readonly string name;
    private readonly Queue<string> log = new();
    private readonly TaskCompletionSource<Match> ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly Action<string>? listener;

    private ChildProcess(string name, ProcessStartInfo start, Regex readyLine, Action<string>? listener)
    {
        this.name = name;
        this.listener = listener;
        process = new Process { StartInfo = start, EnableRaisingEvents = true };
        process.OutputDataReceived += (_, e) => OnLine(e.Data, readyLine);
        process.ErrorDataReceived += (_, e) => OnLine(e.Data, readyLine);
        process.Exited += (_, _) => ready.TrySetException(new InvalidOperationException($"{name} ended before it was ready"));
        AppDomain.CurrentDomain.ProcessExit += KillAtExit;
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>False once it has ended.</summary>
    public bool IsRunning => !process.HasExited;

    /// <summary>The last lines it printed (a few hundred).</summary>
    public string Log
    {
        get { lock (log) return string.Join('\n', log.Select(line => $"{name} | {line}")); }
    }

    /// <summary>Starts an executable and waits for the line that says where it listens.</summary>
    /// <param name="name">For messages.</param>
    /// <param name="executable">Path of a program, or of a .dll to be run by dotnet.</param>
    /// <param name="environment">Added to this process's environment.</param>
    /// <param name="readyLine">Matches the ready line.</param>
    /// <param name="patience">How long it may take.</param>
    /// <param name="listener">Told of every line it prints, on any thread; null: nobody.</param>
    /// <param name="arguments">Its arguments; null: none.</param>
    /// <returns>The process and the match of its ready line.</returns>
    /// <exception cref="ProductFailedException">It ended, or printed no such line in time; with its log.</exception>
    public static async Task<(ChildProcess Process, Match Ready)> StartAsync(
        string name, string executable, IEnumerable<KeyValuePair<string, string>> environment, Regex readyLine, TimeSpan patience,
        Action<string>? listener = null, IEnumerable<string>? arguments = null)
    {
        var start = new ProcessStartInfo(executable, arguments ?? [])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetDirectoryName(executable)!,
        };
        foreach (var (key, value) in environment) start.Environment[key] = value;
        var child = new ChildProcess(name, start, readyLine, listener);
        try
        {
            return (child, await child.ready.Task.WaitAsync(patience).ConfigureAwait(false));
        }
        catch (Exception e) when (e is InvalidOperationException or TimeoutException)
        {
            child.Kill();
            var failure = new ProductFailedException($"{name} did not get ready: {e.Message}\n{child.Log}", e);
            child.Dispose();
            throw failure;
        }
    }

    /// <summary>Asks it to stop (SIGTERM) and waits until it has.</summary>
    /// <exception cref="ProductFailedException">It did not end in time (it is killed then), or not with code 0.</exception>
    public async Task StopAsync(TimeSpan patience)
    {
        if (IsRunning) _ = Signal(process.Id, Sigterm);
        using var limit = new CancellationTokenSource(patience);
        try
        {
            await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Kill();
            throw new ProductFailedException($"{name} did not stop within {patience.TotalSeconds:0} s of SIGTERM\n{Log}");
        }
        // 143: ended by the signal's default action, before its handler was in place.
        if (process.ExitCode is not (0 or 143))
            throw new ProductFailedException($"{name} stopped with exit code {process.ExitCode}\n{Log}");
    }

    /// <summary>Waits until it has ended, whatever the reason, and all its lines were heard; false where that takes longer.</summary>
    public async Task<bool> WaitForEndAsync(TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience);
        try
        {
            await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>It stands still, as under a debugger or a stalled hypervisor.</summary>
    public void Pause() => _ = Signal(process.Id, Sigstop);

    /// <summary>It goes on, and does not know how long it stood.</summary>
    public void Wake() => _ = Signal(process.Id, Sigcont);

    /// <summary>kill -9, and waits until it is gone.</summary>
    public void Kill()
    {
        if (!IsRunning) return;
        process.Kill();
        process.WaitForExit();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= KillAtExit;
        Kill();
        process.Dispose();
    }

    private void OnLine(string? line, Regex readyLine)
    {
        if (line is null) return;
        lock (log)
        {
            log.Enqueue(line);
            if (log.Count > LogLinesKept) log.Dequeue();
        }
        listener?.Invoke(line);
        var match = readyLine.Match(line);
        if (match.Success) ready.TrySetResult(match);
    }

    private void KillAtExit(object? sender, EventArgs e) => Kill();

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Signal(int processId, int signal);
}

/// <summary>The product did not start, stop or answer as it should; the message has the end of its log.</summary>
public class ProductFailedException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The product gave no answer, or none but "later", for as long as the caller had patience.</summary>
public sealed class ProductAwayException(string message) : ProductFailedException(message);
