using System.Globalization;
using ReadStateStream.Unit.Generators;
using Xunit;

namespace ReadStateStream.Unit.Partition;

/// <summary>Runs a relation over generated logs; a failure is shrunk, and prints its seed and events.</summary>
internal static class RelationCheck
{
    private const int ShrinkAttempts = 400;

    /// <summary>Times as many logs as by default.</summary>
    public static readonly int Scale =
        int.Parse(Environment.GetEnvironmentVariable("READSTATE_RELATION_SCALE") ?? "1", CultureInfo.InvariantCulture);

    /// <summary>
    /// Logs of growing length; <paramref name="difference"/> says what broke the relation, null where it holds,
    /// and is a function of the log alone.
    /// </summary>
    public static void ForLogs(int firstSeed, int logs, Func<GeneratedLog, string?> difference, int sizeMax = 300)
    {
        for (var i = 0; i < logs * Scale; i++)
        {
            var log = GeneratedLog.Make(firstSeed + i, 1 + (i * 37 % sizeMax));
            if (Outcome(difference, log) is { } found) Fail(log, found, difference);
        }
    }

    private static string? Outcome(Func<GeneratedLog, string?> difference, GeneratedLog log)
    {
        try
        {
            return difference(log);
        }
        catch (InvalidOperationException error)
        {
            return error.ToString();
        }
    }

    private static void Fail(GeneratedLog log, string found, Func<GeneratedLog, string?> difference)
    {
        var attempts = 0;
        for (var shrunk = true; shrunk && attempts < ShrinkAttempts;)
        {
            shrunk = false;
            foreach (var smaller in LogArbitrary.Shrink(log))
            {
                if (++attempts > ShrinkAttempts) break;
                if (Outcome(difference, smaller) is not { } stillFound) continue;
                (log, found, shrunk) = (smaller, stillFound, true);
                break;
            }
        }
        Assert.Fail($"{found}\n{log}");
    }
}
