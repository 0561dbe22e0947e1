namespace ReadStateStream.Partition.Log;

/// <summary>What a segment begins with.</summary>
internal enum SegmentHead
{
    /// <summary>A frame that verifies.</summary>
    Frame,
    /// <summary>Nothing, or commit records only.</summary>
    None,
    /// <summary>Something that does not verify.</summary>
    Bad,
}

/// <summary>Reads the first frame of a segment: frames do not cross pages, so each segment begins with an entry.</summary>
internal sealed class SegmentHeads(FileDevice device, int pageSize, uint seed)
{
    /// <summary>The first frame of a segment, below an address.</summary>
    /// <exception cref="IOException">The disk does not answer.</exception>
    public SegmentHead Read(int segment, long limit, out (FrameHead Head, long Address) first)
    {
        first = default;
        var from = segment == 0 ? LogFrame.FirstAddress : segment * device.SegmentSize;
        var cursor = new EntryCursor(device, pageSize, LogFrame.HeadBytes + LogFrame.EntryHeadBytes, from);
        var end = Math.Min(limit, (segment + 1) * device.SegmentSize);
        while (true)
        {
            switch (cursor.MoveNext(end, out var frame))
            {
                case EntryKind.CommitRecord:
                    continue;
                case EntryKind.Frame when LogFrame.TryOpen(frame, seed, out var head):
                    first = (head, cursor.EntryAddress);
                    return SegmentHead.Frame;
                case EntryKind.End:
                    return SegmentHead.None;
                default:
                    return SegmentHead.Bad;
            }
        }
    }
}
