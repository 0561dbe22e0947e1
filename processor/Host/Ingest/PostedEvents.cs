using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Host.Ingest;

/// <summary>One event as posted: read, or the fault that kept it from being read.</summary>
/// <param name="Event">Null where it could not be read.</param>
/// <param name="Fault">Null where it could.</param>
public readonly record struct PostedEvent(ChannelEvent? Event, EventFault? Fault);

/// <summary>The events of one request.</summary>
/// <param name="Events">In the order of the body.</param>
/// <param name="Single">One JSON object that is the event itself: its fate is the request's.</param>
/// <param name="PointerPrefix">JSON pointer to the list of events in the body; "" for the root.</param>
public sealed record PostedEvents(IReadOnlyList<PostedEvent> Events, bool Single, string PointerPrefix)
{
    /// <summary>JSON pointer to an event of the body.</summary>
    public string PointerTo(int index) =>
        Single ? "" : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{PointerPrefix}/{index}");
}
