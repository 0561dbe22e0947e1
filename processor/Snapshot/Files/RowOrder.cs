using ReadStateStream.Snapshot.Records;

namespace ReadStateStream.Snapshot.Files;

/// <summary>How rows are sorted, and which of two rows of one key stands.</summary>
internal static class RowOrder
{
    /// <summary>By the key's two integers: a user's states, a user's lists, a channel's parts each lie together.</summary>
    public static int Compare(Key16 left, Key16 right)
    {
        var order = left.A.CompareTo(right.A);
        return order != 0 ? order : left.B.CompareTo(right.B);
    }

    /// <summary>By root, then key.</summary>
    public static int Compare(Key16 leftRoot, Key16 leftKey, Key16 rightRoot, Key16 rightKey)
    {
        var order = Compare(leftRoot, rightRoot);
        return order != 0 ? order : Compare(leftKey, rightKey);
    }

    /// <summary>The greater offset stands; of equal offsets a tombstone, then the greater bytes, as with Cassandra. Of equal rows neither.</summary>
    public static bool Stands(long offset, ReadOnlySpan<byte> value, long otherOffset, ReadOnlySpan<byte> otherValue)
    {
        if (offset != otherOffset) return offset > otherOffset;
        if (value.IsEmpty || otherValue.IsEmpty) return !otherValue.IsEmpty;
        return value.SequenceCompareTo(otherValue) > 0;
    }
}
