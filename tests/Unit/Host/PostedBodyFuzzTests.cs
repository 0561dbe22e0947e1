using System.Text;
using Google.Protobuf;
using ReadStateStream.Host.Http;
using ReadStateStream.Host.Ingest;
using ReadStateStream.Schemas.V1;
using Xunit;

namespace ReadStateStream.Unit.Host;

/// <summary>Whatever arrives is read or refused: no other exception, and a refusal is the caller's fault.</summary>
public class PostedBodyFuzzTests
{
    private const int Rounds = 20_000;

    private static readonly string[] Fragments =
    [
        "{", "}", "[", "]", ",", ":", "\"", "null", "true", "1e999", "-0", "9223372036854775808", "18446744073709551616", "1.5", "\"\\ud800\"",
        "\"events\":", "\"memberJoined\":", "\"occurredAt\":\"9999-99-99\"", "\"kind\":77777777777777777", "\u00e9", "\\", "@type",
    ];

    [Fact]
    public void Json_that_was_cut_and_joined_at_random_is_read_or_refused()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var valid = Encoding.UTF8.GetBytes("""
            {"events":[{"eventId":"4","occurredAt":"2020-01-01T00:00:00Z","messageSent":{"channelId":7,"messageId":"1","authorId":"2",
            "mentionedUserIds":[9223372036854775805,"3"],"kind":"MESSAGE_KIND_TEXT"}},{"messagesRead":{"channelId":"1","mainTimeline":true}}]}
            """);
        var (read, refused) = (0, 0);
        for (var round = 0; round < Rounds; round++)
        {
            var body = valid.ToList();
            for (var change = random.Next(0, 4); change > 0; change--) Change(body, random);
            if (TryRead(() => new JsonBody(100).Read(body.ToArray()), seed)) read++;
            else refused++;
        }
        Assert.True(read > Rounds / 100 && refused > Rounds / 100, $"{read} read, {refused} refused");
    }

    [Fact]
    public void Protobuf_that_was_changed_at_random_is_read_or_refused()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var valid = new EventBatch
        {
            Events =
            {
                new ChannelEvent { EventId = 4, MessageSent = new() { ChannelId = 7, MessageId = 1, AuthorId = 2, MentionedUserIds = { 3, 4 } } },
                new ChannelEvent { DeadLetterWaived = new() { Partition = 1, Offset = 2, Reason = "because" } },
            },
        }.ToByteArray();
        var (read, refused) = (0, 0);
        for (var round = 0; round < Rounds; round++)
        {
            var body = valid.ToArray();
            for (var change = random.Next(0, 4); change > 0; change--) body[random.Next(body.Length)] = (byte)random.Next(256);
            var length = random.Next(4) == 0 ? random.Next(body.Length) : body.Length;
            if (TryRead(() => new ProtobufBody(100).Read(body[..length]), seed)) read++;
            else refused++;
        }
        Assert.True(read > Rounds / 100 && refused > Rounds / 100, $"{read} read, {refused} refused");
    }

    // A read event goes through the validator as well: it must have an answer for whatever can be read.
    private static bool TryRead(Func<PostedEvents> read, int seed)
    {
        try
        {
            var validator = new EventValidator(new EventLimits(8, 0, 3_600_000, 10, 10, 10_000));
            foreach (var posted in read().Events)
            {
                Assert.True(posted.Event is null ^ posted.Fault is null, $"seed {seed}");
                if (posted.Event is { } e && validator.Check(e, 0) is null && e.EventId != 0)
                    Assert.Equal(e, ChannelEvent.Parser.ParseFrom(e.ToByteArray()));
            }
            return true;
        }
        catch (ProblemException refused)
        {
            Assert.Equal(400, refused.Problem.Status);
            return false;
        }
    }

    private static void Change(List<byte> body, Random random)
    {
        var at = random.Next(body.Count);
        switch (random.Next(3))
        {
            case 0:
                body[at] = (byte)random.Next(256);
                break;
            case 1:
                body.RemoveRange(at, Math.Min(body.Count - at, random.Next(1, 12)));
                if (body.Count == 0) body.Add((byte)'[');
                break;
            default:
                body.InsertRange(at, Encoding.UTF8.GetBytes(Fragments[random.Next(Fragments.Length)]));
                break;
        }
    }
}
