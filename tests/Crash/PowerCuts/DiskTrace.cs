namespace ReadStateStream.Crash.PowerCuts;

/// <summary>A file's content in memory, whatever its names.</summary>
internal sealed class DiskNode
{
    private byte[] bytes = [];

    /// <summary>Bytes.</summary>
    public int Length { get; private set; }

    /// <summary>The content.</summary>
    public ReadOnlySpan<byte> Content => bytes.AsSpan(0, Length);

    /// <summary>Writes, with zeros between the end and the offset.</summary>
    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        var end = checked((int)(offset + source.Length));
        Reserve(end);
        source.CopyTo(bytes.AsSpan((int)offset));
        Length = Math.Max(Length, end);
    }

    /// <summary>Cuts, or adds zeros.</summary>
    public void SetLength(long length)
    {
        Reserve((int)length);
        if (length < Length) bytes.AsSpan((int)length, Length - (int)length).Clear();
        Length = (int)length;
    }

    /// <summary>The same content, apart.</summary>
    public DiskNode Copy()
    {
        var copy = new DiskNode();
        copy.Write(0, Content);
        return copy;
    }

    private void Reserve(int length)
    {
        if (length > bytes.Length) Array.Resize(ref bytes, Math.Max(length, bytes.Length * 2));
    }
}

/// <summary>One operation, in the order in which it was done.</summary>
internal abstract record DiskOperation;

/// <summary>Bytes written to a file.</summary>
internal sealed record BytesWritten(DiskNode File, long Offset, byte[] Bytes) : DiskOperation;

/// <summary>A file cut, or lengthened by zeros.</summary>
internal sealed record LengthSet(DiskNode File, long Length) : DiskOperation;

/// <summary>A file synced.</summary>
internal sealed record FileSynced(DiskNode File) : DiskOperation;

/// <summary>An entry of a folder changed: what lay at From is gone; Target (null: a folder, or nothing) lies at To.</summary>
internal sealed record EntryChanged(string Folder, string? From, string? To, DiskNode? Target) : DiskOperation;

/// <summary>A folder synced: its entries, not those below.</summary>
internal sealed record FolderSynced(string Folder) : DiskOperation;

/// <summary>The product says that a position is durable: on this machine, or in the snapshot store.</summary>
internal sealed record PositionDurable(long Position, bool Shipped) : DiskOperation;
