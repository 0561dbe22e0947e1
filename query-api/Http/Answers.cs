using System.ComponentModel;
using System.Text.Json.Serialization;

namespace ReadStateStream.QueryApi.Http;

// The JSON of every answer. Ids and positions are strings (they pass 2^53), numbers of things are numbers,
// null says that there is none. Members are only ever added.

/// <summary>Mentions among the unread messages; a message counts once, however many ways it mentions.</summary>
/// <param name="Total">All mentions.</param>
/// <param name="Named">Those that name the user.</param>
/// <param name="Everyone">Those that mention everyone and do not name the user.</param>
public sealed record MentionsAnswer(ulong Total, ulong Named, ulong Everyone);

/// <summary>What is unread.</summary>
/// <param name="Unread">Unread messages.</param>
/// <param name="Mentions">Mentions among them.</param>
/// <param name="FirstUnreadId">Id of the first unread message; null where there is none, or capped.</param>
/// <param name="Capped">More is unread than the window holds: the figures cover the window.</param>
public sealed record CountsAnswer(ulong Unread, MentionsAnswer Mentions, string? FirstUnreadId, bool Capped);

/// <summary>What a channel adds to the user's badge, mute applied.</summary>
public sealed record BadgeShareAnswer(ulong Unread, ulong Mentions);

/// <summary>How far the answer lags behind the log.</summary>
/// <param name="Events">Records in the log not yet applied, in the partitions read; null where a part is from the snapshot: not known.</param>
/// <param name="Milliseconds">Age of the oldest of them; of a part from the snapshot how long ago its position was noted: it is at least that stale.</param>
public sealed record LagAnswer(ulong? Events, ulong Milliseconds);

/// <summary>A partition that was answered from the snapshot store.</summary>
/// <param name="Exact">The part is the truth of its position; false: the position is a lower bound, some later records may be in it.</param>
/// <param name="Milliseconds">How long ago its position was noted.</param>
public sealed record SnapshotPartAnswer(bool Exact, ulong Milliseconds);

/// <summary>What the answer is the truth of.</summary>
/// <param name="AsOf">Per partition that was read: the next offset to apply; all records below it are in the answer.</param>
/// <param name="Lag">How far behind the log that is.</param>
/// <param name="Source">live: from the partitions' owners. snapshot: at least one partition had none and was read from the snapshot store.</param>
/// <param name="Stale">Newer records may be missing: a part is from the snapshot store.</param>
/// <param name="Incomplete">Records that could not be folded and channels that lost edits or deletes: the figures may be off by them.</param>
public sealed record FreshnessAnswer(
    IReadOnlyDictionary<string, string> AsOf, LagAnswer Lag, string Source, bool Stale, ulong Incomplete)
{
    /// <summary>Only where stale: the answer is the truth of asOf; false: of some partition asOf is a lower bound.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Exact { get; init; }

    /// <summary>Only where stale: the partitions that were read from the snapshot store; the others of asOf are live.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, SnapshotPartAnswer>? SnapshotParts { get; init; }
}

/// <summary>One thread of a channel, where threads are apart.</summary>
/// <param name="Thread">Id of the thread's root message, or main.</param>
/// <param name="Counts">What is unread in it.</param>
/// <param name="LastReadId">The greater of the channel's and the thread's read pointer; null: nothing read yet.</param>
/// <param name="LastMessageId">The greatest id in the window; null: none.</param>
public sealed record ThreadAnswer(string Thread, CountsAnswer Counts, string? LastReadId, string? LastMessageId);

/// <summary>A user's state in a channel. Where <c>member</c> is false there is none, and all else but user and channel is null.</summary>
public sealed record ReadStateAnswer
{
    /// <summary>The user.</summary>
    public required string User { get; init; }
    /// <summary>The channel.</summary>
    public required string Channel { get; init; }
    /// <summary>Whether the user has a state there.</summary>
    public required bool Member { get; init; }
    /// <summary>What is unread.</summary>
    public CountsAnswer? Counts { get; init; }
    /// <summary>The read pointer: everything up to this id is read.</summary>
    public string? LastReadId { get; init; }
    /// <summary>When the user last read there, RFC 3339 UTC.</summary>
    public DateTime? LastReadAt { get; init; }
    /// <summary>The greatest message id ever sent there.</summary>
    public string? LastMessageId { get; init; }
    /// <summary>guild, direct or group.</summary>
    public string? Kind { get; init; }
    /// <summary>The user muted the channel.</summary>
    public bool? Muted { get; init; }
    /// <summary>Mentions of everyone do not count for the user there.</summary>
    public bool? EveryoneSuppressed { get; init; }
    /// <summary>What the channel adds to the user's badge.</summary>
    public BadgeShareAnswer? Badge { get; init; }
    /// <summary>Edits or deletes were lost there: the figures may be off.</summary>
    public bool? Incomplete { get; init; }
    /// <summary>Per thread; only where asked for and threads are apart.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ThreadAnswer>? Threads { get; init; }
    /// <summary>What the answer is the truth of; in lists it stands beside the list.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FreshnessAnswer? Freshness { get; init; }
}

/// <summary>One thread, asked for alone.</summary>
/// <param name="User">The user.</param>
/// <param name="Channel">The channel.</param>
/// <param name="Thread">Id of the thread's root message, or main.</param>
/// <param name="Counts">What is unread in it; all 0 for a thread without messages.</param>
/// <param name="LastReadId">The greater of the channel's and the thread's read pointer; null: nothing read yet.</param>
/// <param name="LastMessageId">The greatest id in the window; null: none.</param>
/// <param name="Freshness">What the answer is the truth of.</param>
public sealed record ThreadStateAnswer(
    string User, string Channel, string Thread, CountsAnswer Counts, string? LastReadId, string? LastMessageId, FreshnessAnswer Freshness);

/// <summary>A page of a user's states, in order of channel id.</summary>
/// <param name="User">The user.</param>
/// <param name="States">The states.</param>
/// <param name="Cursor">Pass it to get the next page; null on the last. Each page is of its own positions.</param>
/// <param name="Freshness">What the answer is the truth of.</param>
public sealed record ReadStatesPage(string User, IReadOnlyList<ReadStateAnswer> States, string? Cursor, FreshnessAnswer Freshness);

/// <summary>Answers to a batch.</summary>
/// <param name="States">In the order of the keys.</param>
/// <param name="Freshness">What the answer is the truth of.</param>
public sealed record ReadStatesBatch(IReadOnlyList<ReadStateAnswer> States, FreshnessAnswer Freshness);

/// <summary>A user's sums over all channels.</summary>
/// <param name="User">The user.</param>
/// <param name="Unread">Unread messages, mute applied.</param>
/// <param name="Mentions">Mentions, mute applied.</param>
/// <param name="Capped">A channel has more unread than its window holds.</param>
/// <param name="Channels">Channels with a state.</param>
/// <param name="UnreadChannels">Those that add to the badge.</param>
/// <param name="Freshness">What the answer is the truth of.</param>
public sealed record BadgeAnswer(
    string User, ulong Unread, ulong Mentions, bool Capped, ulong Channels, ulong UnreadChannels, FreshnessAnswer Freshness);

/// <summary>A command was published; it takes effect in answers from the token's position on.</summary>
/// <param name="Token">Pass it to a read that must contain this; it contains the tokens passed to the command.</param>
/// <param name="Published">Number of events published; 0 where nothing was left to do.</param>
/// <param name="EventId">Id of the event; null unless it is exactly one.</param>
/// <param name="Partition">Its partition.</param>
/// <param name="Offset">Its offset there.</param>
public sealed record CommandAnswer(string Token, int Published, string? EventId, int? Partition, string? Offset);

/// <summary>Names a state.</summary>
/// <param name="User">The user's id.</param>
/// <param name="Channel">The channel's id.</param>
public sealed record StateKey(string User, string Channel);

/// <summary>States to read together.</summary>
/// <param name="Keys">1 .. 1,000 keys; repetitions are answered again.</param>
/// <param name="Threads">Also per thread.</param>
public sealed record BatchRequest(IReadOnlyList<StateKey> Keys, [property: DefaultValue(false)] bool Threads = false);

/// <summary>Read up to a message.</summary>
/// <param name="UpTo">Everything up to this id is read. It need not be the id of a message; 0 only with manual.</param>
/// <param name="Thread">main, or the id of a thread's root: only that. Absent: the channel with its threads.</param>
/// <param name="Manual">Put the pointer there, forward or back, for the whole channel.</param>
public sealed record AckRequest(string UpTo, string? Thread = null, [property: DefaultValue(false)] bool Manual = false);

/// <summary>Read everything.</summary>
/// <param name="Channels">Only these, at most 1,000. Absent: all the user's channels.</param>
public sealed record ReadAllRequest(IReadOnlyList<string>? Channels = null);

/// <summary>Make a message the first unread one.</summary>
/// <param name="MessageId">An existing message.</param>
public sealed record MarkUnreadRequest(string MessageId);

/// <summary>Whether this process can answer.</summary>
/// <param name="Status">live; ready; or degraded: partitions without an owner are answered from the snapshot store.</param>
/// <param name="Partitions">Partitions of the topic.</param>
/// <param name="Routed">Those with an owner.</param>
public sealed record HealthAnswer(string Status, int Partitions, int Routed);
