using System.Buffers.Text;
using ReadStateStream.Fold;
using ReadStateStream.Partition.Decode;
using ReadStateStream.Partition.Log;
using ReadStateStream.Partition.Store;
using ReadStateStream.Schemas;

namespace ReadStateStream.Partition;

/// <summary>A record of a batch, decoded; or why it cannot be folded.</summary>
public struct BatchItem
{
    public Fact Fact;
    public DecodeError Error;
}

/// <summary>The records of one batch, decoded and checked against the contract; used again, allocates nothing.</summary>
/// <param name="settings">Of the partition.</param>
/// <param name="copiesDeadLetters">Whether somebody keeps what cannot be folded.</param>
public sealed class FactBatch(PartitionSettings settings, bool copiesDeadLetters)
{
    /// <summary>The clock is looked at once in so many records.</summary>
    private const int ClockEvery = 16;

    private readonly BatchItem[] items = new BatchItem[StatePartition.BatchMax];
    private readonly List<Key16> keys = [];
    private readonly List<DeadLetter> deadLetters = [];
    private int count;

    public FactLists Lists { get; } = new();

    public ReadOnlySpan<BatchItem> Items => items.AsSpan(0, count);

    /// <summary>Those of its records that cannot be folded, in their order, where they are copied; until the next batch is read.</summary>
    public IReadOnlyList<DeadLetter> DeadLetters => deadLetters;

    /// <summary>Append time of the last record, milliseconds since the Unix epoch.</summary>
    public long LastAppendedUnixMs { get; private set; }

    /// <summary>Reads until the batch is full, the time is over or the log's end; returns the number of records.</summary>
    public int Read(IEventLogReader reader, TimeProvider time, TimeSpan limit)
    {
        count = 0;
        deadLetters.Clear();
        Lists.Clear();
        var started = time.GetTimestamp();
        while (count < items.Length && reader.TryRead(out var record))
        {
            ref var item = ref items[count++];
            item.Error = Decode(record, ref item.Fact);
            if (copiesDeadLetters && item.Error != DecodeError.None) deadLetters.Add(Copy(record, item.Error));
            item.Fact.Offset = record.Offset;
            LastAppendedUnixMs = record.AppendedUnixMs;
            if (count % ClockEvery == 0 && time.GetElapsedTime(started) > limit) break;
        }
        return count;
    }

    /// <summary>Keys of the records that the batch's items certainly touch; valid until the next call.</summary>
    public ReadOnlySpan<Key16> Keys(int first, int length)
    {
        keys.Clear();
        foreach (ref readonly var item in Items.Slice(first, length))
            if (item.Error == DecodeError.None)
                Aggregates.AddKeys(item.Fact, Lists, keys);
        return System.Runtime.InteropServices.CollectionsMarshal.AsSpan(keys);
    }

    private DecodeError Decode(in LogRecord record, ref Fact fact)
    {
        var before = Lists.Count;
        fact = default;
        if (FactDecoder.TryDecode(record.Value, ref fact, Lists, out var error)) error = Check(record, fact);
        if (error != DecodeError.None) Lists.TruncateTo(before);
        return error;
    }

    private DecodeError Check(in LogRecord record, in Fact fact)
    {
        var error = FactContract.Check(fact, Lists);
        if (error == DecodeError.None) error = CheckKey(record.Key, fact);
        return error == DecodeError.None ? CheckTime(record.AppendedUnixMs, fact) : error;
    }

    /// <summary>One record, one key, one partition: a record elsewhere would change another partition's aggregates.</summary>
    private DecodeError CheckKey(ReadOnlySpan<byte> key, in Fact fact)
    {
        if (fact.Kind is FactKind.DeadLetterResolved or FactKind.DeadLetterWaived)
            return fact.Partition == settings.Number ? DecodeError.None : DecodeError.ControlElsewhere;
        var owner = fact.Kind == FactKind.UserBlocked ? fact.User : fact.Channel;
        if (!Utf8Parser.TryParse(key, out ulong id, out var length) || length != key.Length || id != owner) return DecodeError.KeyOfAnother;
        return Partitioner.PartitionOf(key, settings.Count) == settings.Number ? DecodeError.None : DecodeError.PartitionOfAnother;
    }

    /// <summary>An id from the future would stand over every later one; the append time makes a replay decide the same.</summary>
    private DecodeError CheckTime(long appendedUnixMs, in Fact fact) =>
        (long)(fact.EventId >> EventIdTime.Shift) + settings.EventIdEpochUnixMs <= appendedUnixMs + settings.MaxAheadMs
            ? DecodeError.None : DecodeError.AheadOfAppend;

    private DeadLetter Copy(in LogRecord record, DecodeError error) => new(
        settings.Number, record.Offset, record.AppendedUnixMs, record.Key.ToArray(), record.Value.ToArray(), record.Headers.ToArray(),
        error.ToString(), error.Describe());
}
