using System.Runtime.CompilerServices;

namespace ReadStateStream.Snapshot.Records;

/// <summary>What a record holds; two bits of the key's integers, free because ids are below 2^63.</summary>
public enum RecordKind : byte
{
    /// <summary>Read state of (user, channel).</summary>
    ReadState = 0,
    /// <summary>Part of a channel: its record, directory, a block, or mentions.</summary>
    Channel = 1,
    /// <summary>Part of a user's list (channels, blocks) or of the partition's (user 0).</summary>
    User = 2,
    /// <summary>A thread pointer: 126 bits of hash, the ids in the value.</summary>
    Thread = 3,
}

/// <summary>Parts of a channel, of a user, and of the partition.</summary>
public enum SubKind : byte
{
    /// <summary>The channel's record with its tail.</summary>
    ChannelRecord = 0,
    /// <summary>Directory of blocks; numbered from 0.</summary>
    Directory = 1,
    /// <summary>A block of messages.</summary>
    Block = 2,
    /// <summary>Users named by one message, part of them.</summary>
    Mentions = 3,
    /// <summary>Channels in which a user may have a state.</summary>
    ChannelList = 4,
    /// <summary>Whom a user blocked.</summary>
    Blocked = 5,
    /// <summary>Outstanding dead letters, of user 0.</summary>
    DeadLetters = 6,
}

/// <summary>
/// Key of every record, 16 bytes. Bit 63 of A and of B name the kind: 00 (user, channel); 01 (channel,
/// sub-kind and number); 10 (user, sub-kind and number); 11 a 126-bit hash.
/// </summary>
public readonly struct Key16 : IEquatable<Key16>
{
    private const ulong Top = 1UL << 63;
    private const int SubKindShift = 56;

    public readonly ulong A;
    public readonly ulong B;

    private Key16(ulong a, ulong b)
    {
        A = a;
        B = b;
    }

    public RecordKind Kind => (RecordKind)((A >> 63 << 1) | (B >> 63));

    /// <summary>Sub-kind of a channel's or user's record.</summary>
    public SubKind SubKind => (SubKind)((B & ~Top) >> SubKindShift);

    /// <summary>Id of the user of a read state or of a user's record.</summary>
    public ulong User => A & ~Top;

    /// <summary>Id of the channel.</summary>
    public ulong Channel => Kind == RecordKind.ReadState ? B : A;

    public static Key16 ReadState(ulong user, ulong channel) => new(user, channel);

    public static Key16 OfChannel(ulong channel, SubKind subKind, uint number = 0) =>
        new(channel, Top | ((ulong)subKind << SubKindShift) | number);

    public static Key16 OfUser(ulong user, SubKind subKind, uint number = 0) =>
        new(Top | user, ((ulong)subKind << SubKindShift) | number);

    /// <summary>Key of a thread pointer's own record.</summary>
    public static Key16 Thread(ulong user, ulong channel, ulong root)
    {
        var a = Mix(user ^ Mix(channel ^ Mix(root)));
        var b = Mix(a + Mix(root ^ Mix(user ^ Mix(channel + 0x9e3779b97f4a7c15))));
        return new Key16(a | Top, b | Top);
    }

    /// <summary>Finaliser of splitmix64 (Steele, Lea, Flood 2014).</summary>
    public static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
        x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
        return x ^ (x >> 31);
    }

    public bool Equals(Key16 other) => A == other.A && B == other.B;

    public override bool Equals(object? obj) => obj is Key16 other && Equals(other);

    public override int GetHashCode() => (int)Mix(A ^ (B * 0x9e3779b97f4a7c15));

    /// <summary>64 bits of hash, as the store's index uses them: part of every checkpoint, never to be changed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Hash64() => Mix((A * 0x9e3779b97f4a7c15) ^ B);

    /// <summary>The 16 bytes of a stored key.</summary>
    public static Key16 FromParts(ulong a, ulong b) => new(a, b);

    public static bool operator ==(Key16 left, Key16 right) => left.Equals(right);

    public static bool operator !=(Key16 left, Key16 right) => !left.Equals(right);
}
