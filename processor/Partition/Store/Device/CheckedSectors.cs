using ReadStateStream.Partition.Log;

namespace ReadStateStream.Partition.Store;

/// <summary>
/// The sectors of the record log with their checksums: every write keeps one, every read is held against it.
/// </summary>
/// <remarks>
/// Invariants
/// - The bytes that a checksum is of are the bytes written: they are copied first, since FASTER goes on writing to
///   the rest of the last sector while its page is written out.
/// - Writes share the gate, so that disk and checksum change together for whoever holds it alone. Reads take it
///   only where something does not fit: a sector may be rewritten under them.
/// - What lies below a mark never changes on the disk: whole sectors are not written again, and of the sector that
///   the mark cuts the bytes below it are kept as they were.
/// - A sector without a checksum above the mark was not written in this life: zeros, whatever the file holds.
/// </remarks>
internal sealed unsafe class CheckedSectors(StateDeviceOptions options, SegmentFiles files, SectorSums sums, StuckWrites stuck)
    : IDisposable
{
    /// <summary>The sector that a mark cuts, as far as the mark reaches.</summary>
    /// <param name="Address">Address of the sector.</param>
    /// <param name="Bytes">Its bytes below the mark.</param>
    private sealed record CutSector(long Address, byte[] Bytes);

    private const int SectorBytes = SectorSums.SectorBytes;
    private const int SliceBytes = 256 << 10;

    private readonly ReaderWriterLockSlim _gate = new();
    private AlignedBuffer? _slice;
    private CutSector? _cut;
    private long _settled;
    private long _removedBelow;
    private long _reads, _writes, _bytesRead, _bytesWritten, _errors, _retries, _verified;

    public (long Reads, long Writes, long BytesRead, long BytesWritten, long Errors, long Retries, long Verified) Counters => (
        Volatile.Read(ref _reads), Volatile.Read(ref _writes), Volatile.Read(ref _bytesRead), Volatile.Read(ref _bytesWritten),
        Volatile.Read(ref _errors), Volatile.Read(ref _retries), Volatile.Read(ref _verified));

    /// <summary>Reads below are no one's any more: zeros.</summary>
    public void ForgetBelow(long address) => Volatile.Write(ref _removedBelow, address);

    /// <summary>Writes sectors; false: it failed, and the request is kept among the stuck ones.</summary>
    public bool TryWrite(in FileDeviceRequest request)
    {
        for (var attempt = 1; ; attempt++)
        {
            if (WriteOnce(request) is not { } error) return true;
            if (Again(error, attempt)) continue;
            stuck.NoteStuck(request, error);
            return false;
        }
    }

    private Exception? WriteOnce(in FileDeviceRequest request)
    {
        bool wasLast;
        _gate.EnterReadLock();
        try
        {
            WriteSlices(request);
            wasLast = stuck.NoteWritten(request);
        }
        catch (Exception e)
        {
            stuck.NoteFailure(request); // before the gate opens: its sectors may be torn
            return e;
        }
        finally
        {
            _gate.ExitReadLock();
        }
        Interlocked.Increment(ref _writes);
        if (wasLast) stuck.OnChanged(null); // out of the gate: whoever is told may read
        return null;
    }

    private void WriteSlices(in FileDeviceRequest request)
    {
        var source = new ReadOnlySpan<byte>((void*)request.Memory, request.Length);
        var offset = request.Offset;
        var settled = Volatile.Read(ref _settled) - (request.Segment * options.SegmentBytes) - offset;
        if (settled > 0)
        {
            if (settled >= source.Length) return;
            source = source[(int)settled..];
            offset += settled;
        }
        var buffer = Interlocked.Exchange(ref _slice, null) ?? new AlignedBuffer(SliceBytes);
        try
        {
            while (source.Length > 0)
            {
                var slice = buffer.Bytes[..SliceOf(offset, source.Length, SliceBytes)];
                source[..slice.Length].CopyTo(slice);
                WriteSlice(request.Segment, offset, slice);
                offset += slice.Length;
                source = source[slice.Length..];
            }
        }
        finally
        {
            _slice = buffer;
        }
    }

    /// <summary>
    /// Bytes to move first of so many at an offset: those that lie in whole blocks go past the system's cache, the parts
    /// before and behind them do not.
    /// </summary>
    public static int SliceOf(long offset, int length, int limit)
    {
        var most = Math.Min(length, limit);
        var before = (int)(-offset & (AlignedBuffer.BlockBytes - 1));
        if (before != 0) return Math.Min(before, most);
        return most < AlignedBuffer.BlockBytes ? most : most & -AlignedBuffer.BlockBytes;
    }

    private void WriteSlice(int segment, long offset, Span<byte> slice)
    {
        Overlay((segment * options.SegmentBytes) + offset, slice);
        files.NoteWritten(segment); // before: of a write that fails half of it may have to be synced
        files.Write(segment, offset, slice);
        Interlocked.Add(ref _bytesWritten, slice.Length);
        var itsSums = sums.Of(segment);
        var sector = (int)(offset / SectorBytes);
        for (var at = 0; at < slice.Length; at += SectorBytes, sector++)
            itsSums[sector] = SectorSums.Of(slice.Slice(at, SectorBytes));
    }

    private void Overlay(long address, Span<byte> slice)
    {
        if (Volatile.Read(ref _cut) is { } cut && cut.Address >= address && cut.Address < address + slice.Length)
            cut.Bytes.CopyTo(slice[(int)(cut.Address - address)..]);
    }

    /// <summary>
    /// Reads whole sectors of one segment. A sector whose rewrite is stuck is answered from the memory that waits,
    /// or, where <paramref name="proving"/>, ends the read.
    /// </summary>
    /// <param name="segment">Number of the segment.</param>
    /// <param name="offset">Offset in it, a multiple of the sector.</param>
    /// <param name="destination">Whole sectors, all in this segment.</param>
    /// <param name="proving">Whether every sector must have a checksum, and must be on the disk.</param>
    /// <returns>Bytes read: fewer than asked for only when proving.</returns>
    /// <exception cref="DamageException">What was read is not what was written, or the disk does not answer.</exception>
    public int Read(int segment, long offset, Span<byte> destination, bool proving = false)
    {
        var address = (segment * options.SegmentBytes) + offset;
        Interlocked.Increment(ref _reads);
        if (address < Volatile.Read(ref _removedBelow) && !proving)
        {
            destination.Clear();
            return destination.Length;
        }
        var read = ReadRaw(segment, offset, destination, direct: proving);
        if (FirstBad(address, destination, read, 0, proving, out _) < 0) return destination.Length;
        _gate.EnterWriteLock();
        try
        {
            return ReadAlone(segment, offset, destination, proving);
        }
        finally
        {
            _gate.ExitWriteLock();
        }
    }

    private int ReadAlone(int segment, long offset, Span<byte> destination, bool proving)
    {
        var address = (segment * options.SegmentBytes) + offset;
        var read = ReadRaw(segment, offset, destination);
        var bad = 0;
        while ((bad = FirstBad(address, destination, read, bad, proving, out var reason)) >= 0)
        {
            var sector = destination.Slice(bad, SectorBytes);
            if (!stuck.TryCopy(segment, offset + bad, sector)) throw new DamageException(segment, address + bad, reason);
            if (proving) return bad;
            Overlay(address + bad, sector);
            bad += SectorBytes;
        }
        return destination.Length;
    }

    // Offset of the first sector from one on that does not hold; -1 where all do. Those that no one wrote become zeros.
    private int FirstBad(long address, Span<byte> bytes, int read, int from, bool proving, out string reason)
    {
        var itsSums = sums.Find((int)(address / options.SegmentBytes));
        var sector = (int)((address % options.SegmentBytes + from) / SectorBytes);
        var settled = Volatile.Read(ref _settled);
        var cut = Volatile.Read(ref _cut);
        reason = "";
        var held = 0;
        for (var at = from; at < bytes.Length; at += SectorBytes, sector++)
        {
            var there = bytes.Slice(at, SectorBytes);
            if (itsSums?[sector] is { } sum and not 0)
            {
                reason = at + SectorBytes > read ? "the file ends before it" : SectorSums.Of(there) != sum ? "a checksum does not match" : "";
                held++;
            }
            else if (cut is not null && cut.Address == address + at)
            {
                reason = at + cut.Bytes.Length > read || !there[..cut.Bytes.Length].SequenceEqual(cut.Bytes) ? "the last sector changed" : "";
                there[cut.Bytes.Length..].Clear();
            }
            else if (proving || address + at < settled)
            {
                reason = "it has no checksum";
            }
            else
            {
                there.Clear();
            }
            if (reason.Length > 0) return at;
        }
        Interlocked.Add(ref _verified, held);
        return -1;
    }

    /// <summary>Reads without a checksum; 0 where there is no file.</summary>
    /// <exception cref="DamageException">The disk does not answer, after some attempts.</exception>
    private int ReadRaw(int segment, long offset, Span<byte> destination, bool direct = false)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var read = Math.Max(0, files.Read(segment, offset, destination, direct));
                destination[read..].Clear();
                Interlocked.Add(ref _bytesRead, read);
                return read;
            }
            catch (Exception e) when (e is not ObjectDisposedException)
            {
                if (!Again(e, attempt))
                    throw new DamageException(segment, (segment * options.SegmentBytes) + offset, "the disk does not answer: " + e.Message, e);
            }
        }
    }

    /// <summary>What lies below does not change any more; the sector that it cuts is proven. Returns the CRC32C of its part, 0 where it cuts none.</summary>
    /// <exception cref="DamageException">The cut sector does not hold.</exception>
    /// <exception cref="IOException">Its rewrite is stuck.</exception>
    public uint Settle(long tail)
    {
        var floor = tail & -SectorBytes;
        _gate.EnterWriteLock();
        try
        {
            if (floor == tail)
            {
                Volatile.Write(ref _cut, null);
                Volatile.Write(ref _settled, floor);
                return 0;
            }
            Span<byte> sector = stackalloc byte[SectorBytes];
            if (ReadAlone((int)(floor / options.SegmentBytes), floor % options.SegmentBytes, sector, proving: true) == 0)
                throw new IOException("the last sector of the record log waits to be written", stuck.State?.Error);
            return Cut(tail, sector[..(int)(tail - floor)]);
        }
        finally
        {
            _gate.ExitWriteLock();
        }
    }

    /// <summary>Begins at a mark, with nothing in flight: the cut sector is held against the mark's checksum.</summary>
    /// <exception cref="DamageException">It does not match.</exception>
    public void Begin(long tail, uint tailSum)
    {
        var floor = tail & -SectorBytes;
        var segment = (int)(floor / options.SegmentBytes);
        Span<byte> part = stackalloc byte[(int)(tail - floor)];
        if (part.Length > 0)
        {
            if (ReadRaw(segment, floor % options.SegmentBytes, part) < part.Length) throw new DamageException(segment, floor, "the file ends before it");
            if (Crc32C.Of(part) != tailSum) throw new DamageException(segment, floor, "the last sector's checksum does not match");
        }
        Cut(tail, part);
    }

    private uint Cut(long tail, ReadOnlySpan<byte> part)
    {
        Volatile.Write(ref _cut, part.Length == 0 ? null : new CutSector(tail & -SectorBytes, part.ToArray()));
        Volatile.Write(ref _settled, tail & -SectorBytes);
        return part.Length == 0 ? 0 : Crc32C.Of(part);
    }

    private bool Again(Exception error, int attempt)
    {
        Interlocked.Increment(ref _errors);
        if (attempt >= options.MaxAttempts || error is not IOException || FileDevice.IsDiskFull(error)) return false;
        Interlocked.Increment(ref _retries);
        return true;
    }

    public void Dispose() => _gate.Dispose();
}
