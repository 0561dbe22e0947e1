namespace ReadStateStream.Host.Ingest;

/// <summary>Why one event was not taken.</summary>
/// <param name="Status">HTTP status of this event: 400 not readable, 413 too large, 422 breaks the contract, 503 not now.</param>
/// <param name="Code">Stable name of the fault, the last part of the problem's type.</param>
/// <param name="Detail">For people: what is wrong, with the value and what is allowed.</param>
/// <param name="Pointer">JSON pointer to the field within the event, "" for the event itself.</param>
public sealed record EventFault(int Status, string Code, string Detail, string Pointer)
{
    /// <summary>What all faults of this code have in common.</summary>
    public string Title => Titles.GetValueOrDefault(Code, "The event was not taken");

    /// <summary>Breaks the contract.</summary>
    public static EventFault Contract(string code, string detail, string pointer) => new(422, code, detail, pointer);

    private static readonly Dictionary<string, string> Titles = new()
    {
        ["invalid-json"] = "The event is not the protobuf JSON of a ChannelEvent",
        ["invalid-protobuf"] = "The event is not a ChannelEvent",
        ["missing-case"] = "The event says no fact",
        ["unknown-case"] = "The event's fact is not known here",
        ["invalid-id"] = "An id is out of range",
        ["invalid-scope"] = "The read's scope is not valid",
        ["invalid-enum"] = "An enumeration has an unknown value",
        ["invalid-time"] = "A time is out of range",
        ["too-many-users"] = "The event names too many users",
        ["event-id-ahead"] = "The event id lies in the future",
        ["reason-too-long"] = "The reason is too long",
        ["invalid-partition"] = "There is no such partition",
        ["invalid-offset"] = "The offset is out of range",
        ["event-too-large"] = "The event is too large",
        ["log-unavailable"] = "The event log did not take the event",
        ["append-timeout"] = "The event log did not confirm the event in time",
        ["clock-behind"] = "No event id can be stamped",
    };
}
