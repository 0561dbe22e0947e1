// Full state against full state, record by record. Both were computed by the same deterministic fold, so used bytes are
// compared. Not compared is what the way there decides: where a record lies, how much room it has, and records that no
// event was applied to (a prefetch makes them, where only the disk could tell that there is none). And of a run of messages
// not which of its two encodings it has: a message that is appended where the run lies, behind edits that wait for theirs,
// has its arrival as a longer number than where the run is written anew, and a checkpoint decides which happens.
using ReadStateStream.Host.Verbs.Shared;

namespace ReadStateStream.Host.Verbs.Proof;

/// <summary>A record that differs.</summary>
/// <param name="Aggregate">Which, in words.</param>
/// <param name="Field">Its first field that differs.</param>
/// <param name="Found">What was found; null: it is not there.</param>
/// <param name="Recounted">What the recount has; null: it is not there.</param>
/// <param name="Offset">The lesser of the offsets last applied to the two.</param>
internal sealed record RecordDifference(string Aggregate, string Field, string? Found, string? Recounted, long Offset);

/// <summary>What a comparison showed.</summary>
/// <param name="Records">Records compared.</param>
/// <param name="OtherwiseEncoded">Those whose fields are equal, encoded in the other way that there is.</param>
/// <param name="Differences">Those that differ.</param>
/// <param name="ByKind">Those by kind.</param>
/// <param name="First">The one of the lowest offset; null: there is none.</param>
internal sealed record ComparedState(
    long Records, long OtherwiseEncoded, long Differences, IReadOnlyDictionary<string, long> ByKind, RecordDifference? First);

/// <summary>Compares states with a recount.</summary>
internal sealed class StateComparison(NewestRecords recount)
{
    private readonly SortedDictionary<string, long> byKind = [];
    private long records;
    private long otherwise;
    private long differences;
    private RecordDifference? first;

    /// <summary>Compares a whole state.</summary>
    public ComparedState With(NewestRecords found, CancellationToken cancellation)
    {
        var rounds = Math.Max(found.Rounds, recount.Rounds);
        for (var round = 0; round < rounds; round++)
        {
            cancellation.ThrowIfCancellationRequested();
            found.Read(round, rounds);
            recount.Read(round, rounds);
            foreach (var record in found.Records.Values) Compare(record.Key, found.ValueOf(record), recount.Find(record.Key));
            foreach (var record in recount.Records.Values)
                if (!found.Records.ContainsKey(record.Key))
                    Compare(record.Key, null, recount.ValueOf(record));
        }
        return new ComparedState(records, otherwise, differences, byKind, first);
    }

    /// <summary>Compares the rows of a snapshot at the recount's position; rows of a ship under way may be ahead.</summary>
    public async Task<ComparedState> WithRowsAsync(ISnapshotStore snapshots, SnapshotPartition partition, SnapshotProgress progress, CancellationToken cancellation)
    {
        var position = progress.Shipped!.Value.Position;
        for (var round = 0; round < recount.Rounds; round++)
        {
            recount.Read(round, recount.Rounds);
            var missing = recount.Records.Keys.ToHashSet();
            await foreach (var row in snapshots.ReadPartitionAsync(partition, 0, cancellation).ConfigureAwait(false))
            {
                if (!NewestRecords.IsIn(row.Root, round, recount.Rounds)) continue;
                missing.Remove(row.Key);
                if (row.Offset >= position && progress.OpenIntents.Count > 0) continue;
                Compare(row.Key, row.Value.ToArray(), recount.Find(row.Key));
            }
            foreach (var key in missing) Compare(key, null, recount.Find(key));
        }
        return new ComparedState(records, otherwise, differences, byKind, first);
    }

    private void Compare(Key16 key, byte[]? found, byte[]? recounted)
    {
        records++;
        if (found is not null && recounted is not null && found.AsSpan().SequenceEqual(recounted)) return;
        var kind = RecordName.KindOf(key) ?? "unknown";
        if (kind is "channel" or "block" && found is not null && recounted is not null && HaveSameFields(key, found, recounted))
        {
            otherwise++;
            return;
        }
        differences++;
        byKind[kind] = byKind.GetValueOrDefault(kind) + 1;
        var offset = Math.Min(AppliedOf(found), AppliedOf(recounted));
        if (first is null || offset < first.Offset) first = Describe(key, found, recounted, offset);
    }

    private static bool HaveSameFields(Key16 key, byte[] found, byte[] recounted)
    {
        try
        {
            return RecordHeader.Applied(found) == RecordHeader.Applied(recounted)
                   && FieldDifference.Between(RecordJson.Of(key, found), RecordJson.Of(key, recounted)) is null;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    private static long AppliedOf(byte[]? value) => value is null ? long.MaxValue : RecordHeader.Applied(value);

    private static RecordDifference Describe(Key16 key, byte[]? found, byte[]? recounted, long offset)
    {
        var name = RecordName.Of(key, found ?? recounted);
        if (found is null || recounted is null) return new RecordDifference(name, "the whole record", Whole(key, found), Whole(key, recounted), offset);
        try
        {
            if (FieldDifference.Between(RecordJson.Of(key, found), RecordJson.Of(key, recounted)) is { } field)
                return new RecordDifference(name, field.Field, field.One, field.Other, offset);
        }
        catch (InvalidDataException)
        {
            return new RecordDifference(name, "bytes", Convert.ToHexStringLower(found), Convert.ToHexStringLower(recounted), offset);
        }
        return RecordHeader.Applied(found) != RecordHeader.Applied(recounted)
            ? new RecordDifference(name, "offset last applied", $"{RecordHeader.Applied(found)}", $"{RecordHeader.Applied(recounted)}", offset)
            : new RecordDifference(name, "bytes", Convert.ToHexStringLower(found), Convert.ToHexStringLower(recounted), offset);
    }

    private static string? Whole(Key16 key, byte[]? value)
    {
        try
        {
            return value is null ? null : RecordJson.Of(key, value).ToJsonString(VerbOutput.JsonLine);
        }
        catch (InvalidDataException fault)
        {
            return fault.Message;
        }
    }
}
