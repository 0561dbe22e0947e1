using System.Buffers.Text;
using Google.Protobuf;

namespace ReadStateStream.Benchmarks.Traces;

/// <summary>Key of a record in the baselines: (user, channel), or (channel, top bit) for a channel's own.</summary>
internal readonly record struct TraceKey(ulong A, ulong B)
{
    public static TraceKey Channel(ulong channel) => new(channel, 1UL << 63);
}

/// <summary>
/// Serialised events one after the other, and the aggregates that each of them updates by the design (§2):
/// the work a bare store would be given. Used again, so that a round adds no garbage of its own.
/// </summary>
internal sealed class EventTrace
{
    /// <summary>Digits of a channel's id, the record's key: all of a population's have as many.</summary>
    private const int KeyLength = 19;

    private byte[] bytes = new byte[1 << 20];
    private byte[] keyBytes = new byte[KeyLength << 15];
    private TraceKey[] keys = new TraceKey[1 << 15];
    private int[] ends = new int[1 << 15];
    private int[] keyEnds = new int[1 << 15];

    /// <summary>Offset of the first event in the partition's log.</summary>
    public long FirstOffset { get; private set; }

    /// <summary>Number of events.</summary>
    public int Count { get; private set; }

    /// <summary>Number of keys, repeated as events repeat them.</summary>
    public int KeyCount { get; private set; }

    public TraceKey[] Keys => keys;

    public ReadOnlySpan<byte> this[int index] => bytes.AsSpan(Start(index), ends[index] - Start(index));

    /// <summary>The record's key: the channel's id as decimal text.</summary>
    public ReadOnlySpan<byte> Key(int index) => keyBytes.AsSpan(index * KeyLength, KeyLength);

    public void Clear(long firstOffset) => (FirstOffset, Count, KeyCount) = (firstOffset, 0, 0);

    public void Add(IMessage message, ulong channel)
    {
        var start = Start(Count);
        var length = message.CalculateSize();
        if (start + length > bytes.Length) Array.Resize(ref bytes, checked((start + length) * 2));
        message.WriteTo(bytes.AsSpan(start, length));
        if (Count == ends.Length)
        {
            Array.Resize(ref ends, Count * 2);
            Array.Resize(ref keyEnds, Count * 2);
            Array.Resize(ref keyBytes, Count * 2 * KeyLength);
        }
        if (!Utf8Formatter.TryFormat(channel, keyBytes.AsSpan(Count * KeyLength, KeyLength), out _)) throw new ArgumentOutOfRangeException(nameof(channel));
        ends[Count] = start + length;
        keyEnds[Count++] = KeyCount;
    }

    /// <summary>Adds a key to the event that was added last.</summary>
    public void AddKey(TraceKey key)
    {
        if (KeyCount == keys.Length) Array.Resize(ref keys, KeyCount * 2);
        keys[KeyCount++] = key;
        keyEnds[Count - 1] = KeyCount;
    }

    /// <summary>Where the keys of an event begin; of Count: where all end.</summary>
    public int KeyStart(int index) => index == 0 ? 0 : keyEnds[index - 1];

    private int Start(int index) => index == 0 ? 0 : ends[index - 1];
}
