using Google.Protobuf;
using ReadStateStream.Schemas;
using ReadStateStream.Host.Http;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Host.Ingest;

/// <summary>
/// Reads a protobuf body, an EventBatch, event by event: one that cannot be read does not lose the others.
/// Unknown fields of an event stay in it; those of the batch are skipped.
/// </summary>
public sealed class ProtobufBody(int maxEvents)
{
    private static readonly uint EventsTag =
        WireFormat.MakeTag(EventBatch.EventsFieldNumber, WireFormat.WireType.LengthDelimited);

    /// <summary>ProblemException (400) where the body is no EventBatch.</summary>
    public PostedEvents Read(byte[] body)
    {
        try
        {
            // Counted before anything is created: two bytes of body can ask for an object of a hundred.
            BatchSize.Check(Count(body), maxEvents);
            var events = new List<PostedEvent>();
            var input = new CodedInputStream(body);
            while (input.ReadTag() is var tag and not 0)
            {
                if (tag == EventsTag) events.Add(ReadEvent(input.ReadBytes()));
                else input.SkipLastField();
            }
            return new PostedEvents(events, Single: false, "/events");
        }
        catch (Exception malformed) when (UntrustedMessages.IsMalformed(malformed))
        {
            throw new ProblemException(new Problem(400, "malformed-protobuf", "The body is no EventBatch", malformed.Message));
        }
    }

    private static int Count(byte[] body)
    {
        var input = new CodedInputStream(body);
        var events = 0;
        while (input.ReadTag() is var tag and not 0)
        {
            if (tag == EventsTag) events++;
            input.SkipLastField();
        }
        return events;
    }

    private static PostedEvent ReadEvent(ByteString bytes)
    {
        try
        {
            return new PostedEvent(ChannelEvent.Parser.ParseUntrusted(bytes.Span), null);
        }
        catch (MalformedMessageException malformed)
        {
            return new PostedEvent(null, new EventFault(400, "invalid-protobuf", malformed.Message, ""));
        }
    }
}
