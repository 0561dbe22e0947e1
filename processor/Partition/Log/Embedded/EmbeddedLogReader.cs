namespace ReadStateStream.Partition.Log;

/// <summary>
/// Reads a partition's durable records in order. Verifies each frame and that its offsets continue the last;
/// what was durable and no longer verifies is an error, never a gap.
/// </summary>
internal sealed class EmbeddedLogReader : IEventLogReader
{
    private readonly EmbeddedLog _log;
    private readonly EntryCursor _cursor;
    private readonly uint _seed;
    private long _frameFirst;
    private int _frameCount;
    private int _frameIndex;
    private int _frameAt;
    private FrameHead _head;
    private int _frameLength;
    private bool _disposed;

    /// <param name="log">The log.</param>
    /// <param name="cursor">Stands at a frame at or below the offset.</param>
    /// <param name="seed">CRC seed of the partition.</param>
    /// <param name="firstAtCursor">Offset of the first record of the frame at the cursor.</param>
    /// <param name="offset">First offset to return.</param>
    public EmbeddedLogReader(EmbeddedLog log, EntryCursor cursor, uint seed, long firstAtCursor, long offset)
    {
        _log = log;
        _cursor = cursor;
        _seed = seed;
        _frameFirst = firstAtCursor;
        NextOffset = offset;
    }

    /// <inheritdoc/>
    public long NextOffset { get; private set; }

    /// <inheritdoc/>
    /// <exception cref="LogRecordsGoneException">The log was cut past the next record.</exception>
    /// <exception cref="LogDamagedException">A durable frame no longer verifies; the next call tries again.</exception>
    /// <exception cref="IOException">The disk does not answer; the next call tries again.</exception>
    public bool TryRead(out LogRecord record)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        while (true)
        {
            while (_frameIndex < _frameCount)
            {
                var offset = _frameFirst + _frameIndex;
                var frame = Frame();
                _frameAt += LogFrame.ReadRecord(frame[_frameAt..], out var key, out var value);
                _frameIndex++;
                if (offset < NextOffset) continue;
                NextOffset = offset + 1;
                record = new LogRecord { Offset = offset, AppendedUnixMs = _head.AppendedUnixMs, Key = key, Value = value };
                return true;
            }
            if (MoveToNextFrame()) continue;
            record = default;
            return false;
        }
    }

    // The frame stays in the cursor's buffer until the next one is asked for.
    private ReadOnlySpan<byte> Frame() =>
        _cursor.Take(_cursor.EntryAddress + LogFrame.EntryHeadBytes, _frameLength, _log.Tail.Address);

    private bool MoveToNextFrame()
    {
        var tail = _log.Tail;
        var expected = _frameFirst + _frameCount;
        while (true)
        {
            var from = _cursor.Address;
            switch (_cursor.MoveNext(tail.Address, out var frame))
            {
                case EntryKind.CommitRecord:
                    continue;
                case EntryKind.Frame when LogFrame.TryOpen(frame, _seed, out var head) && head.FirstOffset == expected:
                    if (head.Count == 0) continue;
                    Enter(head, frame.Length);
                    return true;
                case EntryKind.End when expected == tail.NextOffset:
                    return false;
                case var _ when expected < _log.BeginOffset:
                    expected = GoOnAboveCut();
                    continue;
                default:
                    // Read it from the disk next time: it may have been the read that failed.
                    _cursor.ReturnTo(from);
                    throw new LogDamagedException(
                        $"Partition {_log.Partition}: record {expected} was durable and does not verify at log address {from}.",
                        _log.Partition, expected, from);
            }
        }
    }

    // The file under the cursor is gone. What is still to be returned may lie above the cut all the same.
    private long GoOnAboveCut()
    {
        if (NextOffset < _log.BeginOffset) throw new LogRecordsGoneException(_log.Partition, NextOffset, _log.BeginOffset);
        (_frameFirst, var address) = _log.FrameAtOrBelow(NextOffset);
        _frameCount = _frameIndex = 0;
        _cursor.ReturnTo(address);
        return _frameFirst;
    }

    private void Enter(in FrameHead head, int length)
    {
        _head = head;
        _frameFirst = head.FirstOffset;
        _frameCount = head.Count;
        _frameIndex = 0;
        _frameAt = LogFrame.HeadBytes;
        _frameLength = length;
    }

    /// <inheritdoc/>
    public void Dispose() => _disposed = true;
}
