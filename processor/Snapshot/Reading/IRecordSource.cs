using ReadStateStream.Snapshot.Records;

namespace ReadStateStream.Snapshot.Reading;

/// <summary>Where answers are computed from: a partition's live store, or rows read from a snapshot.</summary>
public interface IRecordSource
{
    /// <summary>A record was not at hand: what the pass found is worthless.</summary>
    bool Missed { get; }

    /// <summary>The record's value, valid until the next read; empty where there is none.</summary>
    ReadOnlySpan<byte> Read(Key16 key);
}
