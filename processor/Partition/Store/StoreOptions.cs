using System.ComponentModel.DataAnnotations;

namespace ReadStateStream.Partition.Store;

/// <summary>
/// Memory and layout of the state stores. Budgets are of the whole processor and divided among its partitions;
/// sizes are rounded down to powers of two, as FASTER does.
/// </summary>
public sealed class StoreOptions : IValidatableObject
{
    /// <summary>Bytes of record pages in memory, all partitions together, 64 KiB .. 1 TiB. Beyond it records lie on disk.</summary>
    [Range(64L << 10, 1L << 40)]
    public long LogMemoryBytes { get; set; } = 512L << 20;

    /// <summary>Bytes of a page, 4 KiB .. 32 MiB; no record exceeds a quarter of it.</summary>
    [Range(4 << 10, 32 << 20)]
    public int PageBytes { get; set; } = 256 << 10;

    /// <summary>Bytes of the hash indexes, all partitions together, 4 KiB .. 256 GiB: 16 a record keeps look-ups short.</summary>
    [Range(4L << 10, 256L << 30)]
    public long IndexBytes { get; set; } = 64L << 20;

    /// <summary>Bytes of a file of the record log, 64 KiB .. 4 GiB.</summary>
    [Range(64L << 10, 4L << 30)]
    public long SegmentBytes { get; set; } = 256L << 20;

    /// <summary>Share of the pages in memory whose records are updated in place, 0.1 .. 0.95.</summary>
    [Range(0.1, 0.95)]
    public double MutableFraction { get; set; } = 0.9;

    /// <summary>
    /// All pages are taken and written to when a store is opened, so that no update waits until the system finds memory for
    /// a page that is used for the first time; a start takes as long as that.
    /// </summary>
    public bool Preallocate { get; set; }

    /// <summary>Fewest pages a store works well with.</summary>
    public const int FewestPages = 16;

    /// <summary>The longest value of a record, bytes: a quarter of a page, at most 8 KiB.</summary>
    public int MaxValueBytes => Math.Min(8 << 10, PageBytes / 4) - RecordHeader.Overhead;

    /// <summary>Refuses budgets that leave a partition too few pages.</summary>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (LogMemoryBytes / PageBytes < FewestPages)
            yield return new ValidationResult(
                $"{nameof(LogMemoryBytes)} must hold at least {FewestPages} pages of {nameof(PageBytes)} a partition");
    }

    /// <summary>The share of one of so many partitions; refused where it leaves too few pages.</summary>
    /// <exception cref="ArgumentException">The budget is too small for this many partitions.</exception>
    public StoreOptions Share(int partitions)
    {
        var share = (StoreOptions)MemberwiseClone();
        share.LogMemoryBytes = LogMemoryBytes / partitions;
        share.IndexBytes = Math.Max(4L << 10, IndexBytes / partitions);
        if (share.LogMemoryBytes / PageBytes < FewestPages)
            throw new ArgumentException(
                $"Store:LogMemoryBytes {LogMemoryBytes} divided among {partitions} partitions leaves fewer than {FewestPages} pages "
                + $"of Store:PageBytes {PageBytes}; raise the first or lower the second");
        return share;
    }
}
