using System.Buffers.Binary;

namespace ReadStateStream.Partition.Log;

/// <summary>What is durable of a log, and what the next frame continues.</summary>
/// <param name="Address">End of the last durable entry: the log's end for readers.</param>
/// <param name="NextOffset">Next offset to be given.</param>
/// <param name="LastAppendedUnixMs">Append time of the last frame; 0 in an empty log.</param>
/// <param name="GreatestStampedEventId">Greatest event id stamped at ingest; 0 where there is none.</param>
/// <param name="Term">Term of the last frame; 0 in an empty log.</param>
internal sealed record LogTail(
    long Address, long NextOffset, long LastAppendedUnixMs, ulong GreatestStampedEventId, int Term)
{
    public static LogTail Empty { get; } = new(LogFrame.FirstAddress, 0, 0, 0, 0);

    /// <summary>Whether a frame continues this log: dense offsets, time and term that do not go back.</summary>
    public bool IsContinuedBy(in FrameHead head) =>
        head.FirstOffset == NextOffset && head.AppendedUnixMs >= LastAppendedUnixMs
        && head.Term >= Term && head.GreatestStampedEventId >= GreatestStampedEventId;

    /// <summary>The tail after a frame that ends at an address.</summary>
    public static LogTail After(in FrameHead head, long endAddress) =>
        new(endAddress, head.FirstOffset + head.Count, head.AppendedUnixMs, head.GreatestStampedEventId, head.Term);
}

/// <summary>
/// Opens a partition's files: verifies every frame from the begin, or from where a note says that all was verified
/// before; finds where the log ends, and tells a torn tail from damage.
/// </summary>
/// <remarks>
/// A write that a crash interrupted leaves anything in the region that was not yet synced: a part, zeros,
/// sectors in any order. So what follows the first bad frame is a torn tail, unless something shows that the
/// bad place had been on the disk: a whole frame further on that was written after everything below its
/// durable address was synced, and that address lies above the bad place. Then records that were
/// acknowledged are gone, and the partition is refused. The last commit before a crash has no such witness;
/// a clean close writes one.
/// </remarks>
internal sealed class LogRecovery(FileDevice device, int partition, int pageSize, uint seed, SparseIndex index)
{
    private const int ScanBufferBytes = 1 << 20;

    /// <summary>Bytes of a torn tail that <see cref="Run"/> cut: from the last whole frame to the last byte that is not zero.</summary>
    public long CutBytes { get; private set; }

    /// <summary>Address below which the last frame says that everything was durable.</summary>
    public long ProvenAddress { get; private set; } = LogFrame.FirstAddress;

    /// <summary>Greatest event id stamped that was seen, in a log that is refused too.</summary>
    public ulong GreatestStampedSeen { get; private set; }

    /// <summary>What was noted as verified does not fit the files: all of them were verified.</summary>
    public bool PassedOverVerified { get; private set; }

    /// <summary>Scans, cuts a torn tail, and makes sure that what was read is on the disk.</summary>
    /// <param name="begin">Where the log begins.</param>
    /// <param name="verified">Up to which segment all was verified before; null where that is not known.</param>
    /// <exception cref="LogDamagedException">Durable records do not verify; nothing was changed.</exception>
    /// <exception cref="IOException">The disk does not answer.</exception>
    public LogTail Run(LogBegin begin, LogBegin? verified)
    {
        var end = device.FindEnd();
        var tail = ScanFromVerified(begin, verified, end) ?? Scan(begin, end) ?? throw BeginDamaged(begin);
        if (tail.Address < end)
        {
            RefuseIfDurable(tail, end);
            CutBytes = EndOfContent(tail.Address, end) - tail.Address;
            if (CutBytes > 0) device.CutTo(tail.Address);
        }
        // A killed process leaves writes in the system's cache: a reader may act on them only once synced.
        device.SyncFrom(ProvenAddress);
        return tail;
    }

    private LogTail? ScanFromVerified(LogBegin begin, LogBegin? verified, long end)
    {
        if (verified is null || verified.Segment <= begin.Segment) return null;
        if (IndexHeads(begin, verified) && Scan(verified, end) is { } tail) return tail;
        PassedOverVerified = true;
        index.Clear();
        return null;
    }

    // Of what was verified before, each segment is still there and begins with the frame that is due.
    private bool IndexHeads(LogBegin begin, LogBegin verified)
    {
        var heads = new SegmentHeads(device, pageSize, seed);
        var next = begin.Offset;
        for (var segment = begin.Segment; segment < verified.Segment; segment++)
        {
            if (heads.Read(segment, verified.AddressIn(device.SegmentSize), out var first) != SegmentHead.Frame) return false;
            if (first.Head.FirstOffset < next || (segment == begin.Segment && !begin.IsAt(first.Head))) return false;
            index.Add(first.Head.FirstOffset, first.Address);
            next = first.Head.FirstOffset + first.Head.Count;
        }
        return next <= verified.Offset;
    }

    // Null where the frame that is to be the first is not there.
    private LogTail? Scan(LogBegin begin, long end)
    {
        var tail = begin.TailIn(device.SegmentSize);
        var cursor = new EntryCursor(device, pageSize, Math.Max(ScanBufferBytes, pageSize), tail.Address);
        var isFirst = true;
        ProvenAddress = tail.Address;
        GreatestStampedSeen = tail.GreatestStampedEventId;
        while (true)
        {
            switch (cursor.MoveNext(end, out var frame))
            {
                case EntryKind.Frame when LogFrame.TryOpen(frame, seed, out var head) && tail.IsContinuedBy(head) && (!isFirst || begin.IsAt(head)):
                    isFirst = false;
                    if (head.Count > 0) index.Add(head.FirstOffset, cursor.EntryAddress);
                    tail = LogTail.After(head, cursor.Address);
                    ProvenAddress = Math.Max(ProvenAddress, head.DurableAddress);
                    GreatestStampedSeen = Math.Max(GreatestStampedSeen, head.GreatestStampedEventId);
                    break;
                case EntryKind.CommitRecord:
                    tail = tail with { Address = cursor.Address };
                    break;
                default:
                    // The first frame after a cut was durable and whole before the cut was noted, as was a verified one.
                    return isFirst && begin.Segment > 0 ? null : tail;
            }
        }
    }

    // Looks for a witness: any whole frame of this partition above the tail that was written after the tail
    // had been followed by something durable.
    private void RefuseIfDurable(LogTail tail, long end)
    {
        var cursor = new EntryCursor(device, pageSize, Math.Max(ScanBufferBytes, pageSize), tail.Address);
        Span<byte> magic = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(magic, LogFrame.Magic);
        var at = tail.Address + LogFrame.MagicAt;
        while (end - at >= LogFrame.HeadBytes)
        {
            var chunk = (int)Math.Min(ScanBufferBytes, end - at);
            var found = cursor.Take(at, chunk, end).IndexOf(magic);
            if (found < 0)
            {
                at += chunk - magic.Length + 1;
                continue;
            }
            if (IsWitness(cursor, at + found - LogFrame.MagicAt, tail, end)) throw Damaged(tail, at + found - LogFrame.MagicAt);
            at += found + 1;
        }
    }

    // The device writes whole sectors: zeros above the last entry are its padding, not a torn tail.
    private long EndOfContent(long from, long end)
    {
        var cursor = new EntryCursor(device, pageSize, Math.Max(ScanBufferBytes, pageSize), from);
        var content = from;
        for (var at = from; at < end; at += ScanBufferBytes)
        {
            var last = cursor.Take(at, (int)Math.Min(ScanBufferBytes, end - at), end).LastIndexOfAnyExcept((byte)0);
            if (last >= 0) content = at + last + 1;
        }
        return content;
    }

    private bool IsWitness(EntryCursor cursor, long address, LogTail tail, long end)
    {
        if (end - address < LogFrame.HeadBytes) return false;
        var length = LogFrame.ClaimedLength(cursor.Take(address, LogFrame.HeadBytes, end));
        if (length < LogFrame.HeadBytes || length > end - address || length > pageSize - (address & (pageSize - 1))) return false;
        if (!LogFrame.TryOpen(cursor.Take(address, length, end), seed, out var head)) return false;
        GreatestStampedSeen = Math.Max(GreatestStampedSeen, head.GreatestStampedEventId);
        return head.Term >= tail.Term && head.DurableAddress > tail.Address;
    }

    private LogDamagedException BeginDamaged(LogBegin begin) => new(
        $"Partition {partition} is damaged: its log was cut up to record {begin.Offset}, where it is to begin now, and segment {begin.Segment} "
        + $"is missing or does not begin with that record. The partition is not opened and nothing was cut; restore its files ('{device.FileName}.*').",
        partition, begin.Offset, begin.AddressIn(device.SegmentSize));

    private LogDamagedException Damaged(LogTail tail, long witness) => new(
        $"Partition {partition} is damaged: its record {tail.NextOffset} does not verify (log address {tail.Address}, segment "
        + $"{tail.Address / device.SegmentSize}, byte {tail.Address % device.SegmentSize}), but it had been on the disk, as a frame "
        + $"at address {witness} shows. The partition is not opened and nothing was cut; restore its files ('{device.FileName}.*').",
        partition, tail.NextOffset, tail.Address);
}
