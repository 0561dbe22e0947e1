using ReadStateStream.Partition.Store;

namespace ReadStateStream.Partition.Query;

/// <summary>
/// Reads records for one pass of a question. A record on disk is asked for and reads as absent; the pass is
/// then run again when it is in memory, so that all parts of an answer are of one position.
/// </summary>
internal sealed class RecordReader(StateStore store) : IRecordSource
{
    /// <summary>A record was not in memory: what the pass found is worthless.</summary>
    public bool Missed { get; private set; }

    /// <summary>Read from disk at once instead of asking: for a question that missed too often.</summary>
    public bool Wait { get; private set; }

    public void Begin(bool wait)
    {
        Missed = false;
        Wait = wait;
    }

    /// <summary>The record's value, valid until the next read; empty where there is none.</summary>
    public ReadOnlySpan<byte> Read(Key16 key)
    {
        if (Wait) return store.Read(key);
        if (!store.TryReadInMemory(key, out var value)) Missed = true;
        return value;
    }
}
