using System.Runtime.InteropServices;
using ReadStateStream.Partition.Store;

namespace ReadStateStream.Host.Verbs.Shared;

/// <summary>Whether a record by itself is one that the store writes. Used again; one thread at a time.</summary>
internal sealed class RecordCheck
{
    private readonly ChannelRecord channel = new();
    private readonly BlockDirectory directory = new();
    private readonly MessageRun run = new();
    private readonly byte[] encoded = new byte[1 << 17];

    /// <summary>What is wrong with the record that a scan stands on; null: nothing.</summary>
    /// <param name="scan">The scan.</param>
    /// <param name="position">No event at or above it was applied.</param>
    public string? Fault(RecordLogScan scan, long position)
    {
        if (scan.PreviousAddress >= scan.Address) return $"its chain leads on to address {scan.PreviousAddress}, above it";
        if (RecordName.KindOf(scan.Key) is not { } kind) return "its key is of no known kind";
        // What a deleted record held is not read by anyone.
        if (scan.IsTombstone) return null;
        var value = scan.Value;
        var used = RecordHeader.Used(value);
        if (RecordHeader.Applied(value) >= position) return $"an event at offset {RecordHeader.Applied(value)} was applied, the checkpoint ends at {position}";
        if (used == 0) return null;
        if (used < RecordHeader.Length || used > value.Length) return $"{used} bytes are used of {value.Length}";
        try
        {
            return FaultOf(kind, value[..used]);
        }
        catch (Exception error) when (error is ArgumentException or IndexOutOfRangeException or OverflowException)
        {
            return $"its value does not decode: {error.Message}";
        }
    }

    private string? FaultOf(string kind, ReadOnlySpan<byte> value)
    {
        var length = kind switch
        {
            "readState" => StateLength(value),
            "thread" => ThreadRecord.Length,
            "channel" => ChannelLength(value),
            "directory" => DirectoryLength(value),
            "block" => RecordHeader.Length + run.Decode(value[RecordHeader.Length..]),
            "mentions" => MentionsLength(value),
            _ => IdListRecord.FixedLength + (IdListRecord.EntriesOf(value) * (kind == "blocked" ? 16 : 8)),
        };
        if (length != value.Length) return $"it should use {length} bytes, not {value.Length}";
        return kind switch
        {
            "channel" => FaultOf(channel.Tail, channel.BlockLastId),
            "block" => FaultOf(run, 0),
            "directory" => FaultOfDirectory(),
            "mentions" => Ascends(MemoryMarshal.Cast<byte, ulong>(value[RecordHeader.Length..])) ? null : "its users do not ascend",
            _ => null,
        };
    }

    private static int StateLength(ReadOnlySpan<byte> value)
    {
        ReadStateCodec.Decode(value, out var state);
        return ReadStateCodec.EncodedLength(state);
    }

    private int ChannelLength(ReadOnlySpan<byte> value)
    {
        // The tail is last: where it begins is told by how long all of it is without it, however the tail was written.
        channel.Decode(value);
        var head = channel.Encode(encoded) - channel.Tail.Encode(encoded);
        return head + run.Decode(value[head..]);
    }

    private int DirectoryLength(ReadOnlySpan<byte> value)
    {
        directory.Clear();
        var entries = (value.Length - RecordHeader.Length) / BlockEntry.Length;
        var whole = RecordHeader.Length + (entries * BlockEntry.Length);
        if (whole == value.Length) directory.DecodeRecord(value);
        return whole;
    }

    private static int MentionsLength(ReadOnlySpan<byte> value) => RecordHeader.Length + ((value.Length - RecordHeader.Length) / sizeof(ulong) * sizeof(ulong));

    private static string? FaultOf(MessageRun messages, ulong above)
    {
        foreach (ref readonly var message in messages.Items)
        {
            if (message.Id <= above) return $"its message {message.Id} does not lie above {above}";
            above = message.Id;
        }
        return null;
    }

    private string? FaultOfDirectory()
    {
        ulong above = 0;
        foreach (ref readonly var entry in directory.Entries)
        {
            if (entry.LastId <= above) return $"its block {entry.Number} does not lie above id {above}";
            if (entry.Messages is 0 or > BlockEntry.MaxMessages || entry.Sent > entry.Messages)
                return $"its block {entry.Number} has {entry.Sent} sent of {entry.Messages} messages";
            above = entry.LastId;
        }
        return null;
    }

    private static bool Ascends(ReadOnlySpan<ulong> ids)
    {
        for (var i = 1; i < ids.Length; i++)
            if (ids[i] <= ids[i - 1])
                return false;
        return true;
    }
}
