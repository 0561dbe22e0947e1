// Whether the records of an aggregate belong together: what one of them names is there, and is what it says.
using ReadStateStream.Fold;

namespace ReadStateStream.Host.Verbs.Shared;

/// <summary>Chains of records, over one round of current ones. One thread at a time.</summary>
internal sealed class AggregateCheck(NewestRecords records)
{
    private readonly ChannelRecord channel = new();
    private readonly BlockDirectory directory = new();
    private readonly MessageRun run = new();

    /// <summary>Every fault, with the record that it is of.</summary>
    public IEnumerable<(CurrentRecord Record, string Fault)> Faults()
    {
        foreach (var record in records.Records.Values)
        {
            var fault = RecordName.KindOf(record.Key) switch
            {
                "channel" => FaultOfChannel(record),
                "thread" => records.Records.ContainsKey(record.Root)
                    ? null : $"the read state of user {record.Root.User} in channel {record.Root.Channel}, to which it belongs, is missing",
                "channelList" or "blocked" or "deadLetters" when RecordName.NumberOf(record.Key) == 0 => FaultOfList(record),
                _ => null,
            };
            if (fault is not null) yield return (record, fault);
        }
    }

    private string? FaultOfList(CurrentRecord root)
    {
        var chunks = IdListRecord.ChunksOf(records.ValueOf(root));
        for (uint number = 1; number < chunks; number++)
            if (!records.Records.ContainsKey(Key16.OfUser(root.Key.User, root.Key.SubKind, number)))
                return $"chunk {number} of {chunks} is missing";
        return null;
    }

    private string? FaultOfChannel(CurrentRecord record)
    {
        channel.Decode(records.ValueOf(record));
        var id = record.Key.Channel;
        directory.Clear();
        for (uint number = 0; directory.Count < channel.BlockCount; number++)
        {
            if (records.Find(Key16.OfChannel(id, SubKind.Directory, number)) is not { } part)
                return $"it names {channel.BlockCount} blocks, its directory {directory.Count}: directory {number} is missing";
            directory.DecodeRecord(part);
        }
        if (directory.Count != channel.BlockCount) return $"it names {channel.BlockCount} blocks, its directory {directory.Count}";
        if (directory.Count > 0 && directory[directory.Count - 1].LastId != channel.BlockLastId)
            return $"its blocks end at id {channel.BlockLastId}, those of its directory at {directory[directory.Count - 1].LastId}";
        var sent = 0;
        for (var i = 0; i < directory.Count; i++)
        {
            if (FaultOfBlock(id, directory[i]) is { } fault) return fault;
            sent += directory[i].Sent;
        }
        return sent != channel.BlockSent ? $"it names {channel.BlockSent} messages sent in blocks, its directory {sent}" : FaultOfMentions(id, channel.Tail);
    }

    private string? FaultOfBlock(ulong id, in BlockEntry entry)
    {
        if (records.Find(Key16.OfChannel(id, SubKind.Block, entry.Number)) is not { } value) return $"its block {entry.Number} is missing";
        run.Decode(value.AsSpan(RecordHeader.Length));
        if (run.Count != entry.Messages || run[run.Count - 1].Id != entry.LastId)
            return $"its block {entry.Number} does not hold the {entry.Messages} messages up to {entry.LastId} that the directory names";
        var inDirectory = entry;
        var inBlock = BlockEntry.Of(run, entry.Number);
        if (inDirectory.Sent != inBlock.Sent || inDirectory.Countable != inBlock.Countable || inDirectory.Everyone != inBlock.Everyone)
            return $"its directory counts {entry.Sent} sent, {entry.Countable} countable, {entry.Everyone} to everyone in block {entry.Number}, "
                   + $"the block has {inBlock.Sent}, {inBlock.Countable}, {inBlock.Everyone}";
        return FaultOfMentions(id, run);
    }

    private string? FaultOfMentions(ulong id, MessageRun messages)
    {
        foreach (ref readonly var message in messages.Items)
            for (uint i = 0; message.Is(MessageFlags.Mentions) && i < message.MentionRecords; i++)
                if (!records.Records.ContainsKey(Key16.OfChannel(id, SubKind.Mentions, message.MentionNumber + i)))
                    return $"mentions {message.MentionNumber + i} of its message {message.Id} are missing";
        return null;
    }
}
