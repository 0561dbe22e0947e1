using System.Globalization;
using Spectre.Console;

namespace ReadStateStream.Host.Verbs.Shared;

/// <summary>How far a long piece of work is: a bar where a person looks, now and then a line where output is redirected.</summary>
internal static class WorkProgress
{
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(10);

    /// <summary>Does the work, which says how many units more are done.</summary>
    /// <param name="around">Where to say it.</param>
    /// <param name="title">What is being done.</param>
    /// <param name="total">Units of all of it.</param>
    /// <param name="unit">What is counted.</param>
    /// <param name="work">The work.</param>
    public static async Task<T> RunAsync<T>(VerbSurroundings around, string title, long total, string unit, Func<Action<long>, Task<T>> work)
    {
        if (!around.IsTerminal) return await PlainAsync(around, title, total, unit, work);
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(around.Error) });
        return await console.Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .StartAsync(async context =>
            {
                var bar = context.AddTask(Markup.Escape($"{title}, {VerbOutput.Number(total)} {unit}"), maxValue: Math.Max(1, total));
                var done = await work(more => bar.Increment(more));
                bar.Value = bar.MaxValue;
                return done;
            });
    }

    private static async Task<T> PlainAsync<T>(VerbSurroundings around, string title, long total, string unit, Func<Action<long>, Task<T>> work)
    {
        var said = around.Time.GetTimestamp();
        var sum = 0L;
        around.Error.WriteLine($"{title}: {VerbOutput.Number(total)} {unit}");
        return await work(more =>
        {
            sum += more;
            if (around.Time.GetElapsedTime(said) < BetweenLines) return;
            said = around.Time.GetTimestamp();
            around.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{title}: {100.0 * sum / Math.Max(1, total):F0} %"));
        });
    }
}
