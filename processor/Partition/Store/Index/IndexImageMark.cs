namespace ReadStateStream.Partition.Store;

/// <summary>
/// What a manifest keeps of the saved copy of the hash index that belongs to it: with it, a recovery goes through the
/// record log from <paramref name="Start"/> on, not from its begin.
/// </summary>
/// <param name="Number">Number of its file <c>index.n</c>.</param>
/// <param name="Start">Address: what lies above may be missing in the copy, what lies below is in it.</param>
/// <param name="Bytes">Length of the file.</param>
/// <param name="Entries">Entries in it.</param>
/// <param name="Checksum">CRC32C of its header, which holds the one of all its blocks.</param>
public sealed record IndexImageMark(long Number, long Start, long Bytes, long Entries, uint Checksum);

/// <summary>A saved copy of the hash index cannot be used. Nothing is lost: the record log holds all of it.</summary>
public sealed class IndexImageException : Exception
{
    /// <summary>One that cannot be used.</summary>
    public IndexImageException()
    {
    }

    /// <summary>One that cannot be used, and why.</summary>
    public IndexImageException(string message)
        : base(message)
    {
    }

    /// <summary>One that cannot be used, and why.</summary>
    public IndexImageException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
