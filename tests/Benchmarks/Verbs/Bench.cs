using System.Globalization;
using ReadStateStream.Benchmarks.Processes;

namespace ReadStateStream.Benchmarks.Verbs;

/// <summary>
/// A run: the subjects' processes, started when a verb first needs them and loaded once, and the rounds given to
/// them in turn.
/// </summary>
internal sealed class Bench(Settings settings, TextWriter output) : IDisposable
{
    private readonly Dictionary<string, SubjectProcess> processes = [];

    public Settings Settings => settings;

    /// <summary>Pass marks that were missed, or could not be judged.</summary>
    public int Missed { get; private set; }

    /// <summary>Prints a line.</summary>
    public void Say(FormattableString line) => output.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    /// <summary>Prints a figure beside its pass mark.</summary>
    public void Judge(FormattableString figure, FormattableString mark, bool passed)
    {
        if (!passed) Missed++;
        var verdict = passed ? "pass" : "MISSED";
        Say($"  => {figure.ToString(CultureInfo.InvariantCulture)}; pass mark {mark.ToString(CultureInfo.InvariantCulture)}: {verdict}");
    }

    /// <summary>Says why a pass mark cannot be judged; the run does not pass.</summary>
    public void Undecided(FormattableString reason)
    {
        Missed++;
        Say($"  => UNDECIDED: {reason.ToString(CultureInfo.InvariantCulture)}");
    }

    /// <summary>
    /// A warm-up round of each subject, then the rounds, the subjects in turn within each; figures by subject.
    /// </summary>
    public Dictionary<string, List<Figures>> Interleave(string command, params string[] subjects)
    {
        Start(subjects);
        var figures = subjects.ToDictionary(subject => subject, _ => new List<Figures>());
        for (var round = -1; round < settings.Rounds; round++)
            foreach (var subject in subjects)
            {
                var result = processes[subject].Run(command);
                if (round >= 0) figures[subject].Add(result);
            }
        return figures;
    }

    /// <summary>One command of one subject, without warm-up.</summary>
    public Figures Once(string command, string subject)
    {
        Start([subject]);
        return processes[subject].Run(command);
    }

    /// <summary>Ends processes that later verbs do not need: their memory is as much as the states'.</summary>
    public void End(params string[] subjects)
    {
        foreach (var subject in subjects)
            if (processes.Remove(subject, out var process))
                process.Dispose();
    }

    /// <summary>Runs with other settings, in processes of its own.</summary>
    public void With(Settings others, Action<Bench> run)
    {
        using var bench = new Bench(others, output);
        run(bench);
        Missed += bench.Missed;
    }

    public void Dispose()
    {
        foreach (var process in processes.Values) process.Dispose();
    }

    private void Start(string[] subjects)
    {
        foreach (var subject in subjects.Where(subject => !processes.ContainsKey(subject)))
        {
            var process = new SubjectProcess(subject, settings);
            processes.Add(subject, process);
            var loaded = process.Run(Child.Load);
            Say($"{subject}: {loaded.Keys:N0} aggregates loaded in {loaded.Seconds:F1} s");
        }
    }
}
