// Moving the tail's oldest messages into the last block, or into new ones: every twelfth message or so of a busy
// channel, so messages are appended to the encoded block instead of decoding it.
namespace ReadStateStream.Partition.Store;

public sealed partial class ChannelBlocks
{
    private readonly byte[] open = new byte[store.MaxValueBytes];
    private int openUsed;

    private void Spill(int count)
    {
        LoadDirectory();
        var index = directory.Count - 1;
        if (index < 0 || directory[index].Messages == BlockEntry.MaxMessages) StartBlock(++index);
        else OpenBlock(index);
        for (var i = 0; i < count; i++)
        {
            if (TryAppend(index, i)) continue;
            CloseBlock(index, seal: true);
            StartBlock(++index);
            if (!TryAppend(index, i)) throw new InvalidOperationException($"a message of channel {id} does not fit {store.MaxValueBytes} bytes");
        }
        CloseBlock(index, seal: directory[index].Messages == BlockEntry.MaxMessages);
        channel.Tail.RemoveRange(0, count);
        directoryChanged = true;
    }

    private void StartBlock(int index)
    {
        directory.Insert(index, new BlockEntry { Number = channel.NextNumber++, LeastArrival = BlockEntry.NoArrival });
        open.AsSpan().Clear();
        openUsed = RecordHeader.Length;
    }

    private void OpenBlock(int index)
    {
        var value = store.Read(Key16.OfChannel(id, SubKind.Block, directory[index].Number));
        openUsed = RecordHeader.Used(value);
        if (openUsed == 0) throw new InvalidDataException($"block {directory[index].Number} of channel {id} is missing");
        value[..openUsed].CopyTo(open);
    }

    private bool TryAppend(int index, int tailIndex)
    {
        ref var entry = ref directory[index];
        if (entry.Messages == BlockEntry.MaxMessages) return false;
        ref readonly var message = ref channel.Tail[tailIndex];
        var mentions = channel.Tail.MentionsOf(message);
        var grown = RunAppender.TryAppend(open.AsSpan(RecordHeader.Length), openUsed - RecordHeader.Length, message, mentions);
        if (grown < 0) return false;
        openUsed = RecordHeader.Length + grown;
        var sent = entry.Sent;
        entry.Add(message, mentions);
        channel.BlockSent += entry.Sent - sent;
        return true;
    }

    private void CloseBlock(int index, bool seal)
    {
        RecordHeader.Write(open, offset, openUsed);
        open.AsSpan(0, openUsed).CopyTo(store.Scratch);
        var key = Key16.OfChannel(id, SubKind.Block, directory[index].Number);
        // The open block grows with every spill: room for half as much again spares most copies. A sealed one gives it back.
        if (seal) store.WriteExactly(key, openUsed, Math.Min(store.MaxValueBytes, RecordHeader.TrimmedCapacity(openUsed)));
        else store.Replace(key, openUsed, Math.Min(store.MaxValueBytes, RecordHeader.CapacityFor(openUsed + (openUsed / 2))));
    }
}
