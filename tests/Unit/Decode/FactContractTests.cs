using Google.Protobuf;
using ReadStateStream.Fold;
using ReadStateStream.Partition.Decode;
using ReadStateStream.Schemas.V1;
using Xunit;

namespace ReadStateStream.Unit.Decode;

/// <summary>Each range of the contract at its edges, and what decoding costs.</summary>
public class FactContractTests
{
    private const ulong Max = long.MaxValue;
    private const ulong Over = Max + 1;

    private readonly FactLists lists = new();

    [Theory]
    [InlineData(0, DecodeError.EventIdOutOfRange)]
    [InlineData(1, DecodeError.None)]
    [InlineData(Max, DecodeError.None)]
    [InlineData(Over, DecodeError.EventIdOutOfRange)]
    public void Event_id(ulong id, DecodeError expected) =>
        Check(new() { EventId = id, ChannelDeleted = new() { ChannelId = 1 } }, expected);

    [Theory]
    [InlineData(0)]
    [InlineData(Over)]
    [InlineData(ulong.MaxValue)]
    public void Every_id_of_every_fact_is_checked(ulong bad)
    {
        Check(new() { ChannelCreated = new() { ChannelId = bad } }, DecodeError.ChannelIdOutOfRange);
        Check(new() { ChannelCreated = new() { ChannelId = 1, MemberIds = { 3, bad, 4 } } }, DecodeError.ListedIdOutOfRange);
        Check(new() { ChannelDeleted = new() { ChannelId = bad } }, DecodeError.ChannelIdOutOfRange);
        Check(new() { MemberJoined = new() { ChannelId = bad, UserId = 1 } }, DecodeError.ChannelIdOutOfRange);
        Check(new() { MemberJoined = new() { ChannelId = 1, UserId = bad } }, DecodeError.UserIdOutOfRange);
        Check(new() { MemberLeft = new() { ChannelId = 1, UserId = bad } }, DecodeError.UserIdOutOfRange);
        Check(new() { MessageSent = new() { ChannelId = bad, MessageId = 1, AuthorId = 1 } }, DecodeError.ChannelIdOutOfRange);
        Check(new() { MessageSent = new() { ChannelId = 1, MessageId = bad, AuthorId = 1 } }, DecodeError.IdOutOfRange);
        Check(new() { MessageSent = new() { ChannelId = 1, MessageId = 1, AuthorId = bad } }, DecodeError.UserIdOutOfRange);
        Check(new() { MessageSent = new() { ChannelId = 1, MessageId = 1, AuthorId = 1, MentionedUserIds = { bad } } }, DecodeError.ListedIdOutOfRange);
        Check(new() { MessageEdited = new() { ChannelId = 1, MessageId = bad } }, DecodeError.IdOutOfRange);
        Check(new() { MessageEdited = new() { ChannelId = 1, MessageId = 1, MentionedUserIds = { 1, bad } } }, DecodeError.ListedIdOutOfRange);
        Check(new() { MessageDeleted = new() { ChannelId = 1, MessageId = bad } }, DecodeError.IdOutOfRange);
        Check(new() { MessagesPurged = new() { ChannelId = 1, BeforeId = bad } }, DecodeError.IdOutOfRange);
        Check(new() { MessagesRead = new() { ChannelId = 1, UserId = bad, UpToId = 1 } }, DecodeError.UserIdOutOfRange);
        Check(new() { MessagesRead = new() { ChannelId = 1, UserId = 1, UpToId = bad } }, DecodeError.IdOutOfRange);
        Check(new() { MessagesRead = new() { ChannelId = 1, UserId = 1, UpToId = 1, ThreadRootId = bad } }, DecodeError.ThreadIdOutOfRange);
        Check(new() { PointerSet = new() { ChannelId = 1, UserId = bad } }, DecodeError.UserIdOutOfRange);
        Check(new() { ChannelMuted = new() { ChannelId = 1, UserId = bad } }, DecodeError.UserIdOutOfRange);
        Check(new() { EveryoneSuppressed = new() { ChannelId = bad, UserId = 1 } }, DecodeError.ChannelIdOutOfRange);
        Check(new() { UserBlocked = new() { UserId = bad, BlockedUserId = 1 } }, DecodeError.UserIdOutOfRange);
        Check(new() { UserBlocked = new() { UserId = 1, BlockedUserId = bad } }, DecodeError.IdOutOfRange);
    }

    [Theory]
    [InlineData(0, DecodeError.None)]
    [InlineData(Max, DecodeError.None)]
    [InlineData(Over, DecodeError.IdOutOfRange)]
    public void The_pointer_may_be_set_to_0(ulong upTo, DecodeError expected) =>
        Check(new() { PointerSet = new() { ChannelId = 1, UserId = 1, UpToId = upTo } }, expected);

    [Theory]
    [InlineData(0, DecodeError.None)]
    [InlineData(Max, DecodeError.None)]
    [InlineData(Over, DecodeError.ThreadIdOutOfRange)]
    public void A_message_may_be_in_no_thread(ulong root, DecodeError expected) =>
        Check(new() { MessageSent = new() { ChannelId = 1, MessageId = 1, AuthorId = 1, ThreadRootId = root } }, expected);

    [Theory]
    [InlineData(true, DecodeError.None)]
    [InlineData(false, DecodeError.MainTimelineFalse)]
    public void Main_timeline_is_true_or_absent(bool value, DecodeError expected) =>
        Check(new() { MessagesRead = new() { ChannelId = 1, UserId = 1, UpToId = 1, MainTimeline = value } }, expected);

    [Theory]
    [InlineData(0, 0, DecodeError.None)]
    [InlineData(9_999, 0, DecodeError.None)]
    [InlineData(10_000, 0, DecodeError.None)]
    [InlineData(10_000, 3, DecodeError.None)]
    [InlineData(10_001, 0, DecodeError.TooManyListed)]
    public void At_most_10_000_users_each_counted_once(int count, int repeated, DecodeError expected)
    {
        var sent = new MessageSent { ChannelId = 1, MessageId = 1, AuthorId = 1 };
        for (var i = count; i > 0; i--) sent.MentionedUserIds.Add((ulong)i);
        for (var i = 0; i < repeated; i++) sent.MentionedUserIds.Add(7);
        var fact = Check(new() { MessageSent = sent }, expected);
        Assert.Equal(count, fact.ListCount);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(6)]
    [InlineData(256)]
    [InlineData(257)]
    [InlineData(int.MaxValue)]
    public void Unknown_kinds_are_refused(int kind)
    {
        Check(new() { MessageSent = new() { ChannelId = 1, MessageId = 1, AuthorId = 1, Kind = (Schemas.V1.MessageKind)kind } }, DecodeError.UnknownMessageKind);
        Check(new() { ChannelCreated = new() { ChannelId = 1, Kind = (Schemas.V1.ChannelKind)kind } }, DecodeError.UnknownChannelKind);
    }

    [Fact]
    public void Control_records_are_bounded()
    {
        Check(new() { DeadLetterResolved = new() { Partition = int.MaxValue, Offset = (1UL << 47) - 1 } }, DecodeError.None);
        Check(new() { DeadLetterResolved = new() { Partition = 1U << 31 } }, DecodeError.PartitionOutOfRange);
        Check(new() { DeadLetterWaived = new() { Offset = 1UL << 47 } }, DecodeError.DeadLetterOffsetOutOfRange);
    }

    [Fact]
    public void No_fact_and_unknown_cases_are_refused_as_such()
    {
        Check(new(), DecodeError.UnknownFact);
        // Case 25, of a later version, as a length-delimited field.
        byte[] later = [8, 1, 25 << 3 & 0x7f | 2 | 0x80, 1, 2, 8, 1];
        var fact = new Fact();
        Assert.True(FactDecoder.TryDecode(later, ref fact, lists, out _));
        Assert.Equal(DecodeError.UnknownFact, FactContract.Check(fact, lists));
    }

    [Fact]
    public void Every_error_has_one_line_of_its_own()
    {
        var lines = Enum.GetValues<DecodeError>().Select(error => error.Describe()).ToArray();
        Assert.Equal(lines.Length, lines.Distinct().Count());
        Assert.All(lines, line => Assert.DoesNotContain('\n', line));
    }

    [Fact]
    public void Decoding_allocates_nothing()
    {
        var random = new Random(1);
        var records = Enumerable.Range(0, 1_000).Select(i => EventSamples.Any(random, i % EventSamples.Cases).ToByteArray()).ToArray();
        DecodeAll(records);
        var before = GC.GetAllocatedBytesForCurrentThread();
        DecodeAll(records);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private void DecodeAll(byte[][] records)
    {
        foreach (var record in records)
        {
            lists.Clear();
            var fact = new Fact();
            if (FactDecoder.TryDecode(record, ref fact, lists, out _)) FactContract.Check(fact, lists);
        }
    }

    private Fact Check(ChannelEvent sample, DecodeError expected)
    {
        if (sample.EventId == 0 && expected is not DecodeError.EventIdOutOfRange) sample.EventId = 1;
        lists.Clear();
        var fact = new Fact();
        Assert.True(FactDecoder.TryDecode(sample.ToByteArray(), ref fact, lists, out _));
        Assert.Equal(expected, FactContract.Check(fact, lists));
        return fact;
    }
}
