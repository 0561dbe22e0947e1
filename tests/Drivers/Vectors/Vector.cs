using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Drivers.Vectors;

/// <summary>One scenario: ids are those of a product that has other scenarios in it as well.</summary>
/// <param name="Id">Its stable id, or "line N" where it has none.</param>
/// <param name="Policy">What it overrides of the default policy.</param>
/// <param name="Steps">In order of arrival.</param>
internal sealed record Vector(string Id, VectorPolicy Policy, IReadOnlyList<Step> Steps);

/// <summary>A line that is no scenario of the vocabulary; the message names the place.</summary>
internal sealed class VectorFormatException(string id, string message) : Exception(message)
{
    public string Id { get; } = id;
}

/// <summary>One step. <c>Place</c> is for messages: its number from 0, and what it says.</summary>
internal abstract record Step(string Place);

/// <summary>A fact, published with an event id of its own.</summary>
internal sealed record EventStep(string Place, ChannelEvent Event) : Step(Place);

/// <summary>The step of this index (an <see cref="EventStep"/> or a command) is delivered again.</summary>
internal sealed record AgainStep(string Place, int Of) : Step(Place);

/// <summary>Stop, start and restore; invisible.</summary>
internal sealed record SnapshotStep(string Place) : Step(Place);

/// <summary>The command read-all; null: all channels.</summary>
internal sealed record ReadAllStep(string Place, ulong User, IReadOnlyList<ulong>? Channels) : Step(Place);

/// <summary>The command mark-unread; refused (4xx) and without effect where <c>Error</c>.</summary>
internal sealed record UnreadFromStep(string Place, ulong User, ulong Channel, ulong Message, bool Error) : Step(Place);

/// <summary>What one channel, or one thread of it, answers. Null members are not asked about.</summary>
internal sealed record ExpectStep(string Place, ulong User, ulong Channel) : Step(Place)
{
    /// <summary>null: the channel; 0: the main timeline; else the thread's root.</summary>
    public ulong? Thread { get; init; }
    public ulong? Unread { get; init; }
    public ulong? Mentions { get; init; }
    public bool HasFirst { get; init; }
    /// <summary>null: none, or capped.</summary>
    public ulong? First { get; init; }
    public bool? Member { get; init; }
    public bool? Capped { get; init; }
}

/// <summary>What the badge answers.</summary>
internal sealed record ExpectTotalStep(string Place, ulong User, ulong? Unread, ulong? Mentions) : Step(Place);
