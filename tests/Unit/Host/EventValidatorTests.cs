using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using ReadStateStream.Host.Ingest;
using ReadStateStream.Schemas.V1;
using Xunit;

namespace ReadStateStream.Unit.Host;

public class EventValidatorTests
{
    private const ulong Max = long.MaxValue;
    private const long Epoch = 1_420_070_400_000;
    private const long Now = Epoch + 1_000_000_000;
    private static readonly EventLimits Limits = new(8, Epoch, 3_600_000, 10_000, 1_000, 1024 * 1024 - 1024);
    private static readonly EventValidator Validator = new(Limits);

    /// <summary>A valid event of every case.</summary>
    private static ChannelEvent[] Cases() =>
    [
        new() { ChannelCreated = new() { ChannelId = 1, Kind = ChannelKind.Group, MemberIds = { 2, 3 } } },
        new() { ChannelDeleted = new() { ChannelId = 1 } },
        new() { MemberJoined = new() { ChannelId = 1, UserId = 2 } },
        new() { MemberLeft = new() { ChannelId = 1, UserId = 2 } },
        new() { MessageSent = new() { ChannelId = 1, MessageId = 2, AuthorId = 3, MentionedUserIds = { 4 }, Kind = MessageKind.Silent } },
        new() { MessageEdited = new() { ChannelId = 1, MessageId = 2, MentionedUserIds = { 4 } } },
        new() { MessageDeleted = new() { ChannelId = 1, MessageId = 2 } },
        new() { MessagesPurged = new() { ChannelId = 1, BeforeId = 2 } },
        new() { MessagesRead = new() { ChannelId = 1, UserId = 2, UpToId = 3 } },
        new() { PointerSet = new() { ChannelId = 1, UserId = 2, UpToId = 3 } },
        new() { ChannelMuted = new() { ChannelId = 1, UserId = 2, On = true } },
        new() { EveryoneSuppressed = new() { ChannelId = 1, UserId = 2, On = true } },
        new() { UserBlocked = new() { UserId = 1, BlockedUserId = 2, On = true } },
        new() { DeadLetterResolved = new() { Partition = 7, Offset = (1UL << 47) - 1 } },
        new() { DeadLetterWaived = new() { Partition = 0, Offset = 0, Reason = "r" } },
    ];

    [Fact]
    public void An_event_of_every_case_is_valid_and_every_id_of_it_is_checked()
    {
        var cases = Cases();
        Assert.Equal(ChannelEvent.Descriptor.Oneofs.Single(o => o.Name == "fact").Fields.Count, cases.Length);
        foreach (var e in cases)
        {
            Assert.Null(Validator.Check(e, Now));
            var fact = (IMessage)ChannelEvent.Descriptor.Oneofs.Single(o => o.Name == "fact").Accessor.GetCaseFieldDescriptor(e).Accessor.GetValue(e);
            foreach (var field in fact.Descriptor.Fields.InFieldNumberOrder().Where(field => field.Name.EndsWith("_id", StringComparison.Ordinal)))
            {
                if (field.RealContainingOneof is not null) continue;
                var (least, valid) = (field.Name is "thread_root_id" || (field.Name, e.FactCase) == ("up_to_id", ChannelEvent.FactOneofCase.PointerSet) ? 0UL : 1UL,
                    field.Accessor.GetValue(fact));
                foreach (var (id, ok) in new[] { (0UL, least == 0), (1UL, true), (Max, true), (Max + 1, false), (ulong.MaxValue, false) })
                {
                    field.Accessor.SetValue(fact, id);
                    var fault = Validator.Check(e, Now);
                    Assert.True(ok == fault is null, $"{e.FactCase} {field.Name} = {id}: {fault}");
                    if (fault is null) continue;
                    Assert.Equal(("invalid-id", 422), (fault.Code, fault.Status));
                    Assert.EndsWith("/" + field.JsonName, fault.Pointer, StringComparison.Ordinal);
                }
                field.Accessor.SetValue(fact, valid);
            }
        }
    }

    [Theory]
    [InlineData(0UL, true)]
    [InlineData(1UL, true)]
    [InlineData((ulong)(1_000_000_000 + 3_600_000) << 22, true)]
    [InlineData(((ulong)(1_000_000_000 + 3_600_000) << 22) + (1 << 22) - 1, true)]
    [InlineData((ulong)(1_000_000_000 + 3_600_001) << 22, false)]
    [InlineData(Max, false)]
    [InlineData(Max + 1, false)]
    public void An_event_ids_time_lies_an_hour_ahead_at_most(ulong id, bool valid) =>
        Assert.Equal(valid, Validator.Check(new ChannelEvent { EventId = id, ChannelDeleted = new() { ChannelId = 1 } }, Now) is null);

    [Theory]
    [InlineData(0, true)]
    [InlineData(10_000, true)]
    [InlineData(10_001, false)]
    public void Users_are_counted_as_they_are_listed(int count, bool valid)
    {
        var same = Enumerable.Repeat(5UL, count).ToArray();
        foreach (var e in new ChannelEvent[]
        {
            new() { MessageSent = new() { ChannelId = 1, MessageId = 2, AuthorId = 3, MentionedUserIds = { same } } },
            new() { MessageEdited = new() { ChannelId = 1, MessageId = 2, MentionedUserIds = { same } } },
            new() { ChannelCreated = new() { ChannelId = 1, MemberIds = { same } } },
        })
            Assert.Equal(valid ? null : "too-many-users", Validator.Check(e, Now)?.Code);
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(Max + 1)]
    public void Each_listed_user_is_checked(ulong id)
    {
        var fault = Validator.Check(new ChannelEvent { ChannelCreated = new() { ChannelId = 1, MemberIds = { 5, id } } }, Now);
        Assert.Equal(("invalid-id", "/channelCreated/memberIds/1"), (fault?.Code, fault?.Pointer));
    }

    [Theory]
    [InlineData(-1, false)]
    [InlineData(0, true)]
    [InlineData(3, true)]
    [InlineData(4, false)]
    public void Kinds_of_channels_are_known_ones(int kind, bool valid) => Assert.Equal(valid ? null : "invalid-enum",
        Validator.Check(new ChannelEvent { ChannelCreated = new() { ChannelId = 1, Kind = (ChannelKind)kind } }, Now)?.Code);

    [Theory]
    [InlineData(-1, false)]
    [InlineData(0, true)]
    [InlineData(5, true)]
    [InlineData(6, false)]
    public void Kinds_of_messages_are_known_ones(int kind, bool valid) => Assert.Equal(valid ? null : "invalid-enum",
        Validator.Check(new ChannelEvent { MessageSent = new() { ChannelId = 1, MessageId = 2, AuthorId = 3, Kind = (MessageKind)kind } }, Now)?.Code);

    [Fact]
    public void The_scope_of_a_read_is_the_main_timeline_or_a_thread()
    {
        static string? Code(MessagesRead read)
        {
            (read.ChannelId, read.UserId, read.UpToId) = (1, 2, 3);
            return Validator.Check(new ChannelEvent { MessagesRead = read }, Now)?.Code;
        }
        Assert.Null(Code(new MessagesRead { MainTimeline = true }));
        Assert.Equal("invalid-scope", Code(new MessagesRead { MainTimeline = false }));
        Assert.Null(Code(new MessagesRead { ThreadRootId = Max }));
        Assert.Equal("invalid-id", Code(new MessagesRead { ThreadRootId = 0 }));
        Assert.Equal("invalid-id", Code(new MessagesRead { ThreadRootId = Max + 1 }));
    }

    [Fact]
    public void Control_records_name_a_partition_an_offset_and_a_short_reason()
    {
        static string? Code(uint partition, ulong offset, string reason) => Validator.Check(
            new ChannelEvent { DeadLetterWaived = new() { Partition = partition, Offset = offset, Reason = reason } }, Now)?.Code;
        Assert.Equal("invalid-partition", Code(8, 0, ""));
        Assert.Equal("invalid-offset", Code(0, 1UL << 47, ""));
        Assert.Null(Code(0, 0, new string('x', 1_000)));
        Assert.Equal("reason-too-long", Code(0, 0, new string('x', 1_001)));
        Assert.Null(Code(0, 0, string.Concat(Enumerable.Repeat("😀", 1_000))));
        Assert.Equal("reason-too-long", Code(0, 0, string.Concat(Enumerable.Repeat("😀", 1_001))));
        Assert.Equal("invalid-partition", Validator.Check(new ChannelEvent { DeadLetterResolved = new() { Partition = 8 } }, Now)?.Code);
    }

    [Fact]
    public void Without_a_case_it_is_missing_and_with_one_of_a_later_version_unknown()
    {
        Assert.Equal("missing-case", Validator.Check(new ChannelEvent { EventId = 5, OccurredAt = new Timestamp { Seconds = 1 } }, Now)?.Code);
        // eventId 5, and field 25 with a message in it.
        var later = ChannelEvent.Parser.ParseFrom([0x08, 5, 0xCA, 0x01, 2, 0x08, 7]);
        Assert.Equal("unknown-case", Validator.Check(later, Now)?.Code);
    }

    [Fact]
    public void Unknown_fields_beside_a_known_case_are_no_fault_and_stay()
    {
        byte[] bytes = [0x08, 5, 0x5A, 4, 0x08, 7, 0x10, 9, 0x9A, 0x06, 2, 1, 2];
        var e = ChannelEvent.Parser.ParseFrom(bytes);
        Assert.Equal(ChannelEvent.FactOneofCase.ChannelDeleted, e.FactCase);
        Assert.Null(Validator.Check(e, Now));
        Assert.Equal(bytes, e.ToByteArray());
    }

    [Theory]
    [InlineData(-62_135_596_800, 0, true)]
    [InlineData(253_402_300_799, 999_999_999, true)]
    [InlineData(-62_135_596_801, 0, false)]
    [InlineData(253_402_300_800, 0, false)]
    [InlineData(0, -1, false)]
    [InlineData(0, 1_000_000_000, false)]
    public void When_it_happened_is_within_the_years_of_protobuf(long seconds, int nanos, bool valid) => Assert.Equal(valid ? null : "invalid-time",
        Validator.Check(new ChannelEvent
        {
            OccurredAt = new Timestamp { Seconds = seconds, Nanos = nanos }, ChannelDeleted = new() { ChannelId = 1 },
        }, Now)?.Code);

    [Fact]
    public void The_size_counts_the_id_that_will_be_stamped()
    {
        var e = new ChannelEvent { EventId = 1, ChannelCreated = new() { ChannelId = 1, MemberIds = { Enumerable.Repeat(Max, 100) } } };
        var exact = new EventValidator(Limits with { MaxEventBytes = e.CalculateSize() });
        Assert.Null(exact.Check(e, Now));
        e.EventId = 0;
        Assert.Equal(("event-too-large", 413), (exact.Check(e, Now)?.Code, exact.Check(e, Now)?.Status));
        var stamped = new EventValidator(Limits with { MaxEventBytes = e.CalculateSize() + 10 });
        Assert.Null(stamped.Check(e, Now));
        Assert.True(new ChannelEvent(e) { EventId = Max }.CalculateSize() <= e.CalculateSize() + 10);
    }

    [Fact]
    public void Ten_thousand_mentions_of_the_greatest_ids_fit()
    {
        var e = new ChannelEvent { MessageSent = new() { ChannelId = Max, MessageId = Max, AuthorId = Max, MentionedUserIds = { Enumerable.Repeat(Max, 10_000) } } };
        Assert.Null(Validator.Check(e, Now));
    }
}
