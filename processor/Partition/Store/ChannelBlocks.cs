// What events do to a channel beyond its own record: spills of the tail, late ids, the window's far end,
// purges, mentions too many for a run. All records of the channel change together, by one event.
//
// Invariants:
// - Blocks ascend: every id of a block lies above the last id of the one before it.
// - A block is dropped only where more than the window's messages lie above it: the greatest id that
//   left the window is always held, so it need not be remembered apart.
using ReadStateStream.Fold;

namespace ReadStateStream.Partition.Store;

/// <summary>Applies facts to a channel with its blocks; used again, one thread at a time.</summary>
public sealed partial class ChannelBlocks(StateStore store, StoredPolicy policy)
{
    /// <summary>Newest messages that stay in the tail when it spills: small reorderings find them there.</summary>
    private const int KeptAtSpill = 4;

    private readonly ChannelRecord channel = new();
    private readonly BlockDirectory directory = new();
    private readonly MessageRun block = new();
    private readonly MessageRun part = new();
    private ulong id;
    private long offset;
    private int recordsBefore;
    private bool directoryLoaded;
    private bool directoryChanged;

    private int EntriesPerRecord => BlockDirectory.EntriesPerRecord(store.MaxValueBytes);

    /// <summary>Applies a fact to its channel.</summary>
    public void Apply(in Fact fact, ReadOnlySpan<ulong> users)
    {
        Load(fact.Channel);
        if (channel.Applied >= fact.Offset || channel.Deleted) return;
        offset = fact.Offset;
        var changed = fact.Kind switch
        {
            FactKind.ChannelDeleted => DeleteChannel(),
            FactKind.MessagesPurged => Purge(fact.Id),
            // Comes here where the record is full.
            FactKind.ChannelCreated => ChannelTail.SetKind(channel, fact) == TailOutcome.Changed,
            _ => MergeMessage(fact, users),
        };
        if (!changed) return;
        channel.Applied = offset;
        MakeRoom();
        SaveDirectory();
        SaveChannel();
    }

    private void Load(ulong channelId)
    {
        id = channelId;
        directoryLoaded = directoryChanged = false;
        directory.Clear();
        channel.Decode(store.Read(Key16.OfChannel(id, SubKind.ChannelRecord)));
        recordsBefore = RecordsFor(channel.BlockCount);
    }

    private void LoadDirectory()
    {
        if (directoryLoaded) return;
        directoryLoaded = true;
        for (var i = 0; i < recordsBefore; i++)
            directory.DecodeRecord(store.Read(Key16.OfChannel(id, SubKind.Directory, (uint)i)));
        if (directory.Count != channel.BlockCount)
            throw new InvalidDataException($"channel {id} names {channel.BlockCount} blocks, its directory {directory.Count}");
    }

    private int RecordsFor(int entries) => (entries + EntriesPerRecord - 1) / EntriesPerRecord;

    private bool MergeMessage(in Fact fact, ReadOnlySpan<ulong> users)
    {
        var changed = ChannelTail.RaiseHead(channel, fact);
        if (fact.Id < channel.Floor) return changed;
        if (channel.BlockCount != 0 && fact.Id <= channel.BlockLastId) changed |= MergeInBlock(fact, users);
        else changed |= MergeInRun(channel.Tail, fact, users);
        if (!changed) return false;
        if (channel.Waiting > policy.WaitingLimit) DropWaiting();
        DropBelowWindow();
        while (channel.Tail.Count > ChannelTail.MaxMessages) Spill(channel.Tail.Count - KeptAtSpill);
        MakeRoom();
        DropBelowWindow();
        return true;
    }

    /// <summary>Moves messages into blocks until the record fits, with what it says of the blocks themselves.</summary>
    private void MakeRoom()
    {
        while (channel.Tail.Count > 0)
        {
            if (directoryChanged) NoteBlocks();
            if (channel.Encode(store.Scratch) >= 0) return;
            Spill((channel.Tail.Count + 1) / 2);
        }
    }

    private void NoteBlocks()
    {
        channel.BlockCount = directory.Count;
        channel.BlockLastId = directory.Count == 0 ? 0 : directory[directory.Count - 1].LastId;
    }

    private bool MergeInRun(MessageRun run, in Fact fact, ReadOnlySpan<ulong> users)
    {
        var index = run.Find(fact.Id);
        if (index < 0)
        {
            index = ~index;
            run.Insert(index, fact.Id);
            channel.Waiting++;
        }
        ref var message = ref run[index];
        var merge = ChannelTail.Merge(channel, ref message, fact, policy);
        if (merge != MessageFold.Merge.ChangedWithMentions) return merge != MessageFold.Merge.Unchanged;
        DeleteMentions(message);
        if (users.Length <= MessageRun.MaxInlineMentions) run.SetMentions(ref message, users);
        else WriteMentions(ref message, users);
        return true;
    }

    private bool MergeInBlock(in Fact fact, ReadOnlySpan<ulong> users)
    {
        LoadDirectory();
        var index = directory.IndexOf(fact.Id);
        ReadBlock(block, directory[index].Number);
        if (!MergeInRun(block, fact, users)) return false;
        WriteBlock(index);
        return true;
    }

    /// <summary>Writes the block in hand under its entry; in two parts or more where it outgrew a record.</summary>
    private void WriteBlock(int index)
    {
        if (Fits(block))
        {
            StoreBlock(block, index, isNew: false);
            return;
        }
        for (var first = 0; first < block.Count; index++)
        {
            // Halves of equal count may differ much in length: a part shrinks until it fits.
            var count = first == 0 ? block.Count / 2 : block.Count - first;
            while (!TakePart(first, count) && count > 1) count = (count + 1) / 2;
            StoreBlock(part, index, isNew: first != 0);
            first += count;
        }
    }

    private bool Fits(MessageRun run) =>
        run.Count <= BlockEntry.MaxMessages && run.Encode(store.Scratch[RecordHeader.Length..]) >= 0;

    private bool TakePart(int first, int count)
    {
        part.Clear();
        for (var i = first; i < first + count; i++) part.Append(block, block[i]);
        return Fits(part);
    }

    private void StoreBlock(MessageRun run, int index, bool isNew)
    {
        var length = run.Encode(store.Scratch[RecordHeader.Length..]);
        if (length < 0) throw new InvalidOperationException($"a block of channel {id} does not fit {store.MaxValueBytes} bytes");
        var used = RecordHeader.Length + length;
        RecordHeader.Write(store.Scratch, offset, used);
        var number = isNew ? channel.NextNumber++ : directory[index].Number;
        var entry = BlockEntry.Of(run, number);
        if (isNew) directory.Insert(index, entry);
        else
        {
            channel.BlockSent -= directory[index].Sent;
            directory[index] = entry;
        }
        channel.BlockSent += entry.Sent;
        directoryChanged = true;
        var key = Key16.OfChannel(id, SubKind.Block, number);
        // The open block grows with every spill: room for half as much again spares most copies.
        var open = index == directory.Count - 1;
        if (open) store.Replace(key, used, Math.Min(store.MaxValueBytes, RecordHeader.CapacityFor(used + (used / 2))));
        else store.WriteExactly(key, used, Math.Min(store.MaxValueBytes, RecordHeader.TrimmedCapacity(used)));
    }

    /// <summary>Drops what more than the window's messages lie above.</summary>
    private void DropBelowWindow()
    {
        var sent = channel.BlockSent + channel.TailSent;
        if (sent <= policy.Window + 1) return;
        if (channel.BlockCount != 0 || directoryLoaded) LoadDirectory();
        var dropped = 0;
        while (dropped < directory.Count && sent - directory[dropped].Sent > policy.Window)
        {
            sent -= directory[dropped].Sent;
            DropBlock(directory[dropped++]);
        }
        RemoveEntries(dropped);
        if (directory.Count != 0) return;
        var gone = 0;
        while (gone < channel.Tail.Count)
        {
            ref readonly var message = ref channel.Tail[gone];
            var isSent = message.Is(MessageFlags.Sent);
            if (sent - (isSent ? 1 : 0) <= policy.Window) break;
            if (isSent) sent--;
            else channel.Waiting--;
            DeleteMentions(message);
            gone++;
        }
        channel.Tail.RemoveRange(0, gone);
    }

    private void RemoveEntries(int count)
    {
        if (count == 0) return;
        directory.RemoveRange(0, count);
        directoryChanged = true;
    }

    private void DropBlock(in BlockEntry entry)
    {
        if (entry.Filter0 == ulong.MaxValue && entry.Filter1 == ulong.MaxValue)
        {
            ReadBlock(part, entry.Number);
            foreach (ref readonly var message in part.Items) DeleteMentions(message);
        }
        channel.BlockSent -= entry.Sent;
        channel.Waiting -= entry.Messages - entry.Sent;
        store.Delete(Key16.OfChannel(id, SubKind.Block, entry.Number));
    }

    private bool Purge(ulong before)
    {
        if (before <= channel.Floor) return false;
        channel.Floor = before;
        if (channel.BlockCount != 0)
        {
            LoadDirectory();
            var dropped = 0;
            while (dropped < directory.Count && directory[dropped].LastId < before) DropBlock(directory[dropped++]);
            RemoveEntries(dropped);
            if (directory.Count != 0) PurgeFirstBlock();
        }
        foreach (ref readonly var message in channel.Tail.Items)
            if (message.Id < before) DeleteMentions(message);
        ChannelTail.RemoveBelowFloor(channel);
        return true;
    }

    private void PurgeFirstBlock()
    {
        ReadBlock(block, directory[0].Number);
        var gone = 0;
        while (block[gone].Id < channel.Floor)
        {
            DeleteMentions(block[gone]);
            if (!block[gone++].Is(MessageFlags.Sent)) channel.Waiting--;
        }
        if (gone == 0) return;
        block.RemoveRange(0, gone);
        StoreBlock(block, 0, isNew: false);
    }

    private bool DeleteChannel()
    {
        LoadDirectory();
        foreach (var entry in directory.Entries) DropBlock(entry);
        foreach (ref readonly var message in channel.Tail.Items) DeleteMentions(message);
        directory.Clear();
        directoryChanged = true;
        channel.MarkDeleted();
        return true;
    }

    /// <summary>
    /// Beyond the bound of waiting edits and deletes: first those go that wait at or below what left the
    /// window (they never count), then the lowest, which is remembered as lost.
    /// </summary>
    private void DropWaiting()
    {
        LoadDirectory();
        var left = GreatestThatLeft();
        while (channel.Waiting > 0 && LowestWaiting(out var blockIndex, out var index) <= left) RemoveWaiting(blockIndex, index);
        while (channel.Waiting > policy.WaitingLimit)
        {
            channel.Lost = Math.Max(channel.Lost, LowestWaiting(out var blockIndex, out var index));
            RemoveWaiting(blockIndex, index);
        }
    }

    /// <summary>L: the greatest sent id that the window's newer ones pushed out; 0: none.</summary>
    private ulong GreatestThatLeft()
    {
        var excess = channel.BlockSent + channel.TailSent - policy.Window;
        if (excess <= 0) return 0;
        for (var i = 0; i < directory.Count; i++)
        {
            if (excess > directory[i].Sent)
            {
                excess -= directory[i].Sent;
                continue;
            }
            ReadBlock(part, directory[i].Number);
            return part.NthSent(excess);
        }
        return channel.Tail.NthSent(excess);
    }

    private ulong LowestWaiting(out int blockIndex, out int index)
    {
        for (blockIndex = 0; blockIndex < directory.Count; blockIndex++)
        {
            if (directory[blockIndex].Messages == directory[blockIndex].Sent) continue;
            ReadBlock(block, directory[blockIndex].Number);
            index = block.FirstWaiting();
            return block[index].Id;
        }
        index = channel.Tail.FirstWaiting();
        return channel.Tail[index].Id;
    }

    private void RemoveWaiting(int blockIndex, int index)
    {
        channel.Waiting--;
        var inTail = blockIndex == directory.Count;
        var run = inTail ? channel.Tail : block;
        DeleteMentions(run[index]);
        run.RemoveRange(index, 1);
        if (inTail) return;
        if (block.Count > 0)
        {
            StoreBlock(block, blockIndex, isNew: false);
            return;
        }
        store.Delete(Key16.OfChannel(id, SubKind.Block, directory[blockIndex].Number));
        directory.RemoveRange(blockIndex, 1);
        directoryChanged = true;
    }

    private void ReadBlock(MessageRun run, uint number)
    {
        var value = store.Read(Key16.OfChannel(id, SubKind.Block, number));
        if (RecordHeader.Used(value) == 0) throw new InvalidDataException($"block {number} of channel {id} is missing");
        run.Decode(value[RecordHeader.Length..]);
    }

    private void WriteMentions(ref Message message, ReadOnlySpan<ulong> users)
    {
        var perRecord = MentionRecord.Capacity(store.MaxValueBytes);
        var records = MentionRecord.RecordsFor(users, perRecord);
        message.MentionStart = message.MentionCount = 0;
        message.MentionNumber = channel.NextNumber;
        message.MentionRecords = checked((ushort)records);
        message.Flags |= MessageFlags.Mentions;
        channel.NextNumber += (uint)records;
        for (var bucket = 0; bucket < records; bucket++)
        {
            var used = MentionRecord.Encode(users, bucket, records, offset, store.Scratch);
            store.WriteExactly(
                Key16.OfChannel(id, SubKind.Mentions, message.MentionNumber + (uint)bucket), used,
                Math.Min(store.MaxValueBytes, RecordHeader.TrimmedCapacity(used)));
        }
    }

    private void DeleteMentions(in Message message)
    {
        for (var bucket = 0; bucket < message.MentionRecords; bucket++)
            store.Delete(Key16.OfChannel(id, SubKind.Mentions, message.MentionNumber + (uint)bucket));
    }

    private void SaveDirectory()
    {
        if (!directoryChanged) return;
        NoteBlocks();
        var records = RecordsFor(directory.Count);
        for (var i = 0; i < records; i++)
        {
            var first = i * EntriesPerRecord;
            var count = Math.Min(EntriesPerRecord, directory.Count - first);
            var used = directory.EncodeRecord(first, count, offset, store.Scratch);
            // Entries come one at a time: room for eight more spares most copies.
            store.Replace(
                Key16.OfChannel(id, SubKind.Directory, (uint)i), used,
                Math.Min(store.MaxValueBytes, RecordHeader.CapacityFor(used + (8 * BlockEntry.Length))));
        }
        for (var i = records; i < recordsBefore; i++) store.Delete(Key16.OfChannel(id, SubKind.Directory, (uint)i));
    }

    private void SaveChannel()
    {
        var used = channel.Encode(store.Scratch);
        if (used < 0) throw new InvalidOperationException($"the record of channel {id} does not fit {store.MaxValueBytes} bytes");
        store.Replace(
            Key16.OfChannel(id, SubKind.ChannelRecord), used, Math.Min(store.MaxValueBytes, RecordHeader.CapacityFor(used)));
    }
}
