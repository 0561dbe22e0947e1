using System.Globalization;
using System.Numerics;
using ReadStateStream.Partition.Store;

namespace ReadStateStream.Benchmarks;

/// <summary>What a run measures; each is an option of the command line (--states 1000000).</summary>
internal sealed record Settings
{
    /// <summary>Read states that exist before anything is measured.</summary>
    public int States { get; init; } = 10_000_000;

    /// <summary>The same where it was asked for; a verb may have another default.</summary>
    public int? StatesGiven { get; init; }

    /// <summary>Events of a throughput round.</summary>
    public int Events { get; init; } = 1_000_000;

    /// <summary>The same where it was asked for; a verb may have another default.</summary>
    public int? EventsGiven { get; init; }

    /// <summary>Rounds of each subject; the median counts. Odd.</summary>
    public int Rounds { get; init; } = 5;

    /// <summary>Events a second of a latency round.</summary>
    public int Rate { get; init; } = 100_000;

    /// <summary>The same where it was asked for; a verb may have another default.</summary>
    public int? RateGiven { get; init; }

    /// <summary>Length of a latency round, and of a round by time, seconds.</summary>
    public int Seconds { get; init; } = 10;

    /// <summary>The same where it was asked for; a verb may have another default.</summary>
    public int? SecondsGiven { get; init; }

    /// <summary>Seed of the traces.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Events applied at once, at most.</summary>
    public const int BatchMax = 256;

    /// <summary>How far an event id's time may lie past its record's append time: an hour, as the processor's default.</summary>
    public const long MaxAheadMs = 3_600_000;

    /// <summary>Page of the log: 256 KiB, as the processor has it by default. FASTER clears a page on the writer when it turns to it.</summary>
    public const int LogPageBits = 18;

    /// <summary>A subject has its memory from the beginning: what is measured is not the log's first lap through it.</summary>
    public bool Preallocate { get; init; }

    /// <summary>A subject's memory as a multiple of the others', a power of two.</summary>
    public int MemoryFactor { get; init; } = 1;

    /// <summary>Memory of the log, a power of two of at least 1 GiB: three times the states, so that channels and replaced records fit.</summary>
    public int LogMemoryBits =>
        Math.Max(30, BitOperations.Log2(BitOperations.RoundUpToPowerOf2((ulong)States * 72 * 3))) + BitOperations.Log2((uint)MemoryFactor);

    /// <summary>Buckets (64 bytes, 7 records) of the hash index: at least one for 5 states, a power of two.</summary>
    public long IndexBuckets => (long)BitOperations.RoundUpToPowerOf2((ulong)States / 5 * 7 / 8);

    /// <summary>The product's store for these states.</summary>
    public StoreOptions Store => new()
    {
        LogMemoryBytes = 1L << LogMemoryBits,
        PageBytes = 1 << LogPageBits,
        IndexBytes = IndexBuckets * 64,
        Preallocate = Preallocate,
    };

    /// <summary>Reads "--name value" pairs; ArgumentException says what is wrong.</summary>
    public static Settings Parse(ReadOnlySpan<string> arguments)
    {
        var settings = new Settings();
        for (var i = 0; i < arguments.Length; i += 2)
        {
            if (i + 1 == arguments.Length) throw new ArgumentException($"{arguments[i]} needs a value");
            if (!int.TryParse(arguments[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var value) || value == 0)
                throw new ArgumentException($"{arguments[i]}: {arguments[i + 1]} is not a positive number");
            settings = arguments[i] switch
            {
                "--states" => settings with { States = Math.Max(value, 10_000), StatesGiven = Math.Max(value, 10_000) },
                "--events" => settings with { Events = value, EventsGiven = value },
                "--rounds" => settings with { Rounds = value | 1 },
                "--rate" => settings with { Rate = value, RateGiven = value },
                "--seconds" => settings with { Seconds = value, SecondsGiven = value },
                "--seed" => settings with { Seed = value },
                _ => throw new ArgumentException($"unknown option {arguments[i]}"),
            };
        }
        return settings;
    }

    /// <summary>The settings as options again, for a child process.</summary>
    public string[] ToArguments() =>
    [
        "--states", Text(States), "--events", Text(Events), "--rounds", Text(Rounds), "--rate", Text(Rate),
        "--seconds", Text(Seconds), "--seed", Text(Seed),
    ];

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
