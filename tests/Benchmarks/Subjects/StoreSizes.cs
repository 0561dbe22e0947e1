using ReadStateStream.Benchmarks.Processes;
using ReadStateStream.Benchmarks.Traces;
using ReadStateStream.Fold;
using ReadStateStream.Partition.Store;

namespace ReadStateStream.Benchmarks.Subjects;

/// <summary>
/// Bytes that live records take, all-in: FASTER's header, key and length, and the value's capacity. Replaced
/// records that compaction would free are not counted.
/// </summary>
internal sealed class StoreSizes(StateStore store, Population population)
{
    private readonly ChannelRecord channel = new();
    private readonly BlockDirectory directory = new();
    private long records;

    /// <summary>Sizes of all states and of one channel.</summary>
    /// <param name="busy">Number of a channel whose window is full.</param>
    /// <param name="small">Number of a channel with a few messages.</param>
    public Figures Measure(int busy, int small)
    {
        long states = 0, bytes = 0, plain = 0, plainBytes = 0;
        records = 0;
        for (var c = 0; c < population.Channels; c++)
            for (var member = 0; member < population.Size(c); member++)
            {
                var value = Read(Key16.ReadState(population.UserId(c, member), Population.ChannelId(c)));
                if (value.IsEmpty) continue;
                var size = RecordHeader.Overhead + value.Length;
                states++;
                bytes += size;
                if (!IsPlain(value)) continue;
                plain++;
                plainBytes += size;
            }
        CountRecords();
        var messages = MeasureChannel(Population.ChannelId(busy), out var busyBytes);
        var fewMessages = MeasureChannel(Population.ChannelId(small), out var smallBytes);
        return new Figures
        {
            States = states, Records = records, BytesAState = (double)bytes / states, BytesAPlainState = (double)plainBytes / plain,
            PlainShare = (double)plain / states, Messages = messages, BytesAMessage = (double)busyBytes / messages,
            SmallChannelMessages = fewMessages, SmallChannelBytes = smallBytes,
        };
    }

    /// <summary>Only what every state has: membership, pointer, newest read.</summary>
    private static bool IsPlain(ReadOnlySpan<byte> value)
    {
        ReadStateCodec.Decode(value, out var state);
        return state is { Bar: 0, GreatestOwn: 0, Mute.EventId: 0, Suppress.EventId: 0, ThreadCount: 0, ClearCount: 0 };
    }

    /// <summary>Records beside the states that share the hash index.</summary>
    private void CountRecords()
    {
        for (var c = 0; c < population.Channels; c++) MeasureChannel(Population.ChannelId(c), out _);
        records += population.Users;
    }

    private int MeasureChannel(ulong id, out long bytes)
    {
        bytes = 0;
        var value = Read(Key16.OfChannel(id, SubKind.ChannelRecord));
        if (value.IsEmpty) return 0;
        bytes += RecordHeader.Overhead + value.Length;
        channel.Decode(value);
        directory.Clear();
        for (uint number = 0; directory.Count < channel.BlockCount; number++)
        {
            var part = Read(Key16.OfChannel(id, SubKind.Directory, number));
            bytes += RecordHeader.Overhead + part.Length;
            directory.DecodeRecord(part);
        }
        var messages = channel.Tail.Count;
        foreach (ref readonly var entry in directory.Entries)
        {
            bytes += RecordHeader.Overhead + Read(Key16.OfChannel(id, SubKind.Block, entry.Number)).Length;
            messages += entry.Messages;
        }
        return messages;
    }

    private ReadOnlySpan<byte> Read(Key16 key)
    {
        var value = store.Read(key);
        if (!value.IsEmpty) records++;
        return value;
    }
}
