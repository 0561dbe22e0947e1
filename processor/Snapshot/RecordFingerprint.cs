namespace ReadStateStream.Snapshot;

/// <summary>
/// What a partition compares before it trusts a position: identifies the record below it. Equal
/// fingerprints mean the same record at the same offset; a log cut back and grown again differs.
/// </summary>
/// <param name="Hash">Hash of key, value and append time of the record.</param>
/// <param name="AppendedUnixMs">Append time, milliseconds since the Unix epoch.</param>
public readonly record struct RecordFingerprint(ulong Hash, long AppendedUnixMs);
