namespace ReadStateStream.Benchmarks.Processes;

/// <summary>What one round of one subject gave; members that its command does not measure are 0.</summary>
internal sealed record Figures
{
    /// <summary>Events applied.</summary>
    public long Events { get; init; }

    /// <summary>Aggregates that these events update, by the design.</summary>
    public long Keys { get; init; }

    /// <summary>Read-modify-writes that the store executed for them, spills of channels with them; 0: no store.</summary>
    public long Updates { get; init; }

    /// <summary>Time the subject took for them, s.</summary>
    public double Seconds { get; init; }

    /// <summary>Processor time of the whole process meanwhile, s: as Seconds where nobody else wants the processor.</summary>
    public double CpuSeconds { get; init; }

    /// <summary>Processor time of the thread that applies the events, s; 0: not measured.</summary>
    public double WriterCpuSeconds { get; init; }

    /// <summary>Managed bytes allocated by the subject's thread for them.</summary>
    public long AllocatedBytes { get; init; }

    /// <summary>Pauses of the collector, ms.</summary>
    public double PauseMs { get; init; }

    /// <summary>From when an event was due until it was applied.</summary>
    public double P50Us { get; init; }
    public double P99Us { get; init; }
    public double P999Us { get; init; }
    public double P9999Us { get; init; }
    public double MaxUs { get; init; }

    /// <summary>Wall-clock time in which the oldest event waiting was more than 1 ms overdue.</summary>
    public double AboveMs { get; init; }

    /// <summary>A blocking collection of all generations.</summary>
    public double CollectMs { get; init; }

    /// <summary>Read states that exist, and all live records, which share the hash index.</summary>
    public long States { get; init; }
    public long Records { get; init; }

    /// <summary>Bytes a state without the index; of all, and of those that have no optional part, with their share of all.</summary>
    public double BytesAState { get; init; }
    public double BytesAPlainState { get; init; }
    public double PlainShare { get; init; }

    /// <summary>Messages held of a busy channel and bytes each, without the index.</summary>
    public int Messages { get; init; }
    public double BytesAMessage { get; init; }

    /// <summary>Messages of a small channel, and bytes of the whole channel, without the index.</summary>
    public int SmallChannelMessages { get; init; }
    public long SmallChannelBytes { get; init; }

    /// <summary>p99 of a question while nothing is folded, us; <see cref="P99Us"/> is under load.</summary>
    public double IdleP99Us { get; init; }

    /// <summary>Questions asked under load.</summary>
    public long Queries { get; init; }

    /// <summary>Bytes of the hash index a record.</summary>
    public double IndexBytesARecord { get; init; }

    /// <summary>Bytes by which the record log grew: its pages are managed arrays until they are used again.</summary>
    public long LogGrowthBytes { get; init; }

    /// <summary>Pages that the log's tail passed into; each was allocated, one ahead.</summary>
    public long LogPages { get; init; }

    /// <summary>Checkpoints and ships completed, and attempts given up.</summary>
    public long Checkpoints { get; init; }
    public long Ships { get; init; }
    public long GivenUp { get; init; }

    /// <summary>Rows shipped, and bytes of their values.</summary>
    public long Rows { get; init; }
    public long RowBytes { get; init; }

    /// <summary>Bytes written to the record log's files.</summary>
    public long RecordBytesWritten { get; init; }

    /// <summary>Pages of the record log compacted.</summary>
    public long PagesCompacted { get; init; }

    /// <summary>Time of all checkpoints and ships in their phases, s.</summary>
    public double FlushSeconds { get; init; }
    public double SyncSeconds { get; init; }
    public double VerifySeconds { get; init; }
    public double ManifestSeconds { get; init; }
    public double ShipRowsSeconds { get; init; }
    public double ShipCompleteSeconds { get; init; }

    /// <summary>These figures with what was done between two looks at a durable subject.</summary>
    public Figures With(Figures before, Figures after) => this with
    {
        Checkpoints = after.Checkpoints - before.Checkpoints,
        Ships = after.Ships - before.Ships,
        GivenUp = after.GivenUp - before.GivenUp,
        Rows = after.Rows - before.Rows,
        RowBytes = after.RowBytes - before.RowBytes,
        RecordBytesWritten = after.RecordBytesWritten - before.RecordBytesWritten,
        PagesCompacted = after.PagesCompacted - before.PagesCompacted,
        FlushSeconds = after.FlushSeconds - before.FlushSeconds,
        SyncSeconds = after.SyncSeconds - before.SyncSeconds,
        VerifySeconds = after.VerifySeconds - before.VerifySeconds,
        ManifestSeconds = after.ManifestSeconds - before.ManifestSeconds,
        ShipRowsSeconds = after.ShipRowsSeconds - before.ShipRowsSeconds,
        ShipCompleteSeconds = after.ShipCompleteSeconds - before.ShipCompleteSeconds,
    };

    /// <summary>Round by round, a figure of one subject ÷ that of another: what disturbs the machine disturbs neighbours alike.</summary>
    public static (double Median, double Least, double Most) Ratio(IEnumerable<Figures> of, IEnumerable<Figures> to, Func<Figures, double> figure)
    {
        var ratios = of.Zip(to, (a, b) => figure(a) / figure(b)).Order().ToArray();
        return (ratios[ratios.Length / 2], ratios[0], ratios[^1]);
    }

    /// <summary>Median of a figure over rounds.</summary>
    public static double Median(IEnumerable<Figures> rounds, Func<Figures, double> figure)
    {
        var sorted = rounds.Select(figure).Order().ToArray();
        return sorted[sorted.Length / 2];
    }
}
