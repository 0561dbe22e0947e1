using FASTER.core;

namespace ReadStateStream.Partition.Log;

/// <summary>
/// The records of the next frame, collected by reference and written straight into FasterLog's page. Used
/// by one appender; reused from frame to frame.
/// </summary>
internal sealed class FrameBuffer(uint seed)
{
    private readonly List<OutgoingRecord> _records = [];

    /// <summary>Length of the frame with the records so far, bytes.</summary>
    public int Length { get; private set; } = LogFrame.HeadBytes;

    /// <summary>Records so far.</summary>
    public int Count => _records.Count;

    /// <summary>Greatest stamped event id among them; 0 where none was stamped.</summary>
    public ulong GreatestStampedEventId { get; private set; }

    /// <summary>Bytes of a record in a frame.</summary>
    public static int BytesOf(in OutgoingRecord record) =>
        LogFrame.RecordHeadBytes + record.Key.Length + record.Value.Length;

    public void Add(in OutgoingRecord record)
    {
        _records.Add(record);
        Length += BytesOf(record);
        GreatestStampedEventId = Math.Max(GreatestStampedEventId, record.StampedEventId);
    }

    public void Clear()
    {
        _records.Clear();
        Length = LogFrame.HeadBytes;
        GreatestStampedEventId = 0;
    }

    /// <summary>The frame as FasterLog takes it.</summary>
    public Entry With(in FrameHead head) => new(this, head);

    /// <summary>Serializes the frame in place.</summary>
    public readonly struct Entry(FrameBuffer buffer, FrameHead head) : ILogEnqueueEntry
    {
        /// <inheritdoc/>
        public int SerializedLength => buffer.Length;

        /// <inheritdoc/>
        public void SerializeTo(Span<byte> dst)
        {
            var at = LogFrame.HeadBytes;
            foreach (ref readonly var record in System.Runtime.InteropServices.CollectionsMarshal.AsSpan(buffer._records))
                at += LogFrame.WriteRecord(dst[at..], record.Key.Span, record.Value.Span);
            LogFrame.Seal(dst, head, buffer.Seed);
        }
    }

    private uint Seed => seed;
}
