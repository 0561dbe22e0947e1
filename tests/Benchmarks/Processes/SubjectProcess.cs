using System.Diagnostics;
using System.Text.Json;

namespace ReadStateStream.Benchmarks.Processes;

/// <summary>
/// A subject in a process of its own, so that one's garbage is never collected in another's time. It works only
/// while a command runs; commands of several subjects are given in turn.
/// </summary>
internal sealed class SubjectProcess : IDisposable
{
    private readonly Process process;

    public SubjectProcess(string subject, Settings settings)
    {
        Subject = subject;
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet") start.ArgumentList.Add(Environment.GetCommandLineArgs()[0]);
        foreach (var argument in (string[])["child", subject, .. settings.ToArguments()]) start.ArgumentList.Add(argument);
        process = Process.Start(start) ?? throw new InvalidOperationException("the child process did not start");
    }

    /// <summary>Name of the subject.</summary>
    public string Subject { get; }

    /// <summary>Gives a command and waits for its figures; InvalidOperationException where the child failed.</summary>
    public Figures Run(string command)
    {
        Give(command);
        return Take();
    }

    /// <summary>Gives a command whose figures are taken later.</summary>
    public void Give(string command)
    {
        process.StandardInput.WriteLine(command);
        process.StandardInput.Flush();
    }

    /// <summary>Waits for the figures of the command that was given.</summary>
    public Figures Take()
    {
        var line = process.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"{Subject} ended");
        return JsonSerializer.Deserialize<Figures>(line) ?? throw new InvalidOperationException($"{Subject}: {line}");
    }

    public void Dispose()
    {
        process.StandardInput.Close();
        process.WaitForExit();
        process.Dispose();
    }
}
