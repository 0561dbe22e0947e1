using ReadStateStream.Fold;
using ReadStateStream.Partition.Store;

namespace ReadStateStream.Unit.Partition;

/// <summary>A block of a channel with its directory entry.</summary>
internal sealed record InspectedBlock(BlockEntry Entry, Message[] Messages, int ValueBytes);

/// <summary>
/// All records of one channel, decoded between two steps. What the records say of each other is checked on the
/// way: <see cref="Broken"/> names what does not hold.
/// </summary>
internal sealed class ChannelInspection
{
    private readonly List<string> broken = [];

    public ChannelInspection(StateStore store, ulong channel)
    {
        store.Enter();
        try
        {
            RecordBytes = Read(store, Key16.OfChannel(channel, SubKind.ChannelRecord)).Length;
            Record.Decode(Read(store, Key16.OfChannel(channel, SubKind.ChannelRecord)));
            ReadDirectory(store, channel);
            foreach (var entry in Directory.Entries) Blocks.Add(ReadBlock(store, channel, entry));
            CheckFigures();
            CheckNumbers(store, channel);
        }
        finally
        {
            store.Exit();
        }
    }

    public ChannelRecord Record { get; } = new();
    public BlockDirectory Directory { get; } = new();
    public List<InspectedBlock> Blocks { get; } = [];
    public int RecordBytes { get; }

    /// <summary>Records of the directory and the bytes of their values.</summary>
    public int DirectoryRecords { get; private set; }
    public int DirectoryBytes { get; private set; }

    /// <summary>First numbers of the mentions that lie in records of their own.</summary>
    public HashSet<uint> NumberedMentions { get; } = [];

    public IEnumerable<Message> Messages => Blocks.SelectMany(block => block.Messages).Concat(Record.Tail.Items.ToArray());

    /// <summary>What does not hold among the records; null: all does.</summary>
    public string? Broken => broken.Count == 0 ? null : string.Join("; ", broken);

    private static ReadOnlySpan<byte> Read(StateStore store, Key16 key) => store.Read(key);

    private void ReadDirectory(StateStore store, ulong channel)
    {
        var perRecord = BlockDirectory.EntriesPerRecord(store.MaxValueBytes);
        DirectoryRecords = (Record.BlockCount + perRecord - 1) / perRecord;
        for (var number = 0; number < DirectoryRecords; number++)
        {
            var value = Read(store, Key16.OfChannel(channel, SubKind.Directory, (uint)number));
            DirectoryBytes += value.Length;
            Directory.DecodeRecord(value);
        }
        Expect(RecordHeader.Used(Read(store, Key16.OfChannel(channel, SubKind.Directory, (uint)DirectoryRecords))) == 0,
            "a directory record beyond the count");
        Expect(Directory.Count == Record.BlockCount, $"{Directory.Count} entries of {Record.BlockCount} blocks");
    }

    private InspectedBlock ReadBlock(StateStore store, ulong channel, BlockEntry entry)
    {
        var value = Read(store, Key16.OfChannel(channel, SubKind.Block, entry.Number));
        var run = new MessageRun();
        Expect(RecordHeader.Used(value) > 0, $"block {entry.Number} is missing");
        if (RecordHeader.Used(value) > 0) run.Decode(value[RecordHeader.Length..]);
        Expect(run.Count > 0 && BlockEntry.Of(run, entry.Number).Equals(entry), $"the entry of block {entry.Number} is not its block's");
        return new InspectedBlock(entry, run.Items.ToArray(), value.Length);
    }

    private void CheckFigures()
    {
        var ids = Messages.Select(message => message.Id).ToList();
        Expect(ids.Zip(ids.Skip(1)).All(pair => pair.First < pair.Second), "ids do not ascend");
        Expect(Record.BlockSent == Blocks.Sum(block => block.Messages.Count(m => m.Is(MessageFlags.Sent))), "messages sent in blocks");
        Expect(Record.Waiting == Messages.Count(m => !m.Is(MessageFlags.Sent)), "edits and deletes that wait");
        Expect(Record.BlockLastId == (Blocks.Count == 0 ? 0 : Blocks[^1].Messages[^1].Id), "the greatest id in the blocks");
        Expect(ids.Count == 0 || ids[0] >= Record.Floor, "an id below the floor");
    }

    /// <summary>Every number is a block of the directory, mentions of a message, or nothing any more.</summary>
    private void CheckNumbers(StateStore store, ulong channel)
    {
        HashSet<uint> blocks = [], mentions = [];
        foreach (var block in Blocks) blocks.Add(block.Entry.Number);
        foreach (var message in Messages.Where(message => message.MentionRecords > 0))
        {
            NumberedMentions.Add(message.MentionNumber);
            for (var i = 0U; i < message.MentionRecords; i++) Expect(mentions.Add(message.MentionNumber + i), "mentions of two messages in one record");
        }
        for (var number = 0U; number < Record.NextNumber; number++)
        {
            var hasBlock = RecordHeader.Used(Read(store, Key16.OfChannel(channel, SubKind.Block, number))) > 0;
            var hasMentions = RecordHeader.Used(Read(store, Key16.OfChannel(channel, SubKind.Mentions, number))) > 0;
            Expect(hasBlock == blocks.Contains(number), $"block {number} is {(hasBlock ? "left over" : "missing")}");
            Expect(hasMentions == mentions.Contains(number), $"mentions {number} are {(hasMentions ? "left over" : "missing")}");
        }
    }

    private void Expect(bool holds, string what)
    {
        if (!holds) broken.Add(what);
    }
}
