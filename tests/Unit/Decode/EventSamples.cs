using Google.Protobuf.WellKnownTypes;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Unit.Decode;

/// <summary>Random events of every case, valid by the contract or only by protobuf.</summary>
internal static class EventSamples
{
    public const int Cases = 15;

    private static readonly ulong[] Edges =
        [0, 1, 2, 127, 128, 16_383, 16_384, uint.MaxValue, long.MaxValue - 1, long.MaxValue, 1UL << 63, ulong.MaxValue];

    /// <summary>An event of a case (0 .. Cases - 1); some values outside the contract's ranges.</summary>
    public static ChannelEvent Any(Random random, int which)
    {
        var sample = new ChannelEvent { EventId = Id(random) };
        if (random.Next(3) == 0)
            sample.OccurredAt = new Timestamp { Seconds = random.NextInt64(), Nanos = random.Next() };
        switch (which)
        {
            case 0:
                sample.ChannelCreated = new() { ChannelId = Id(random), Kind = (ChannelKind)random.Next(-1, 5) };
                AddIds(sample.ChannelCreated.MemberIds, random);
                break;
            case 1: sample.ChannelDeleted = new() { ChannelId = Id(random) }; break;
            case 2: sample.MemberJoined = new() { ChannelId = Id(random), UserId = Id(random) }; break;
            case 3: sample.MemberLeft = new() { ChannelId = Id(random), UserId = Id(random) }; break;
            case 4: sample.MessageSent = Sent(random); break;
            case 5:
                sample.MessageEdited = new() { ChannelId = Id(random), MessageId = Id(random), MentionsEveryone = Coin(random) };
                AddIds(sample.MessageEdited.MentionedUserIds, random);
                break;
            case 6: sample.MessageDeleted = new() { ChannelId = Id(random), MessageId = Id(random) }; break;
            case 7: sample.MessagesPurged = new() { ChannelId = Id(random), BeforeId = Id(random) }; break;
            case 8: sample.MessagesRead = Read(random); break;
            case 9: sample.PointerSet = new() { ChannelId = Id(random), UserId = Id(random), UpToId = Id(random) }; break;
            case 10: sample.ChannelMuted = new() { ChannelId = Id(random), UserId = Id(random), On = Coin(random) }; break;
            case 11: sample.EveryoneSuppressed = new() { ChannelId = Id(random), UserId = Id(random), On = Coin(random) }; break;
            case 12: sample.UserBlocked = new() { UserId = Id(random), BlockedUserId = Id(random), On = Coin(random) }; break;
            case 13: sample.DeadLetterResolved = new() { Partition = (uint)Id(random), Offset = Id(random) }; break;
            default:
                sample.DeadLetterWaived = new() { Partition = (uint)Id(random), Offset = Id(random), Reason = Text(random) };
                break;
        }
        return sample;
    }

    private static MessageSent Sent(Random random)
    {
        var sent = new MessageSent
        {
            ChannelId = Id(random),
            MessageId = Id(random),
            AuthorId = Id(random),
            MentionsEveryone = Coin(random),
            Kind = (MessageKind)random.Next(-1, 300),
            ThreadRootId = Coin(random) ? 0 : Id(random),
            ViaIntegration = Coin(random),
        };
        AddIds(sent.MentionedUserIds, random);
        return sent;
    }

    private static MessagesRead Read(Random random)
    {
        var read = new MessagesRead { ChannelId = Id(random), UserId = Id(random), UpToId = Id(random) };
        switch (random.Next(4))
        {
            case 1: read.MainTimeline = true; break;
            case 2: read.MainTimeline = false; break;
            case 3: read.ThreadRootId = Id(random); break;
        }
        return read;
    }

    private static void AddIds(Google.Protobuf.Collections.RepeatedField<ulong> ids, Random random)
    {
        var count = random.Next(4) == 0 ? random.Next(40) : random.Next(4);
        for (var i = 0; i < count; i++) ids.Add(random.Next(3) == 0 ? (ulong)random.Next(1, 5) : Id(random));
    }

    private static ulong Id(Random random) => random.Next(3) switch
    {
        0 => Edges[random.Next(Edges.Length)],
        1 => (ulong)random.Next(1, 1000),
        _ => (ulong)random.NextInt64(1, long.MaxValue),
    };

    private static bool Coin(Random random) => random.Next(2) == 0;

    private static string Text(Random random) => random.Next(3) switch { 0 => "", 1 => "given up", _ => "größer als 日本 🎉" };
}
