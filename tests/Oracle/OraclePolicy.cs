using System.Globalization;
using System.Text.Json;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Oracle;

/// <summary>How threads are read: with their channel, or each has a pointer of its own.</summary>
public enum OracleThreads { Inline, Separate }

/// <summary>From where on messages count for one who joins: from the join, or the whole history.</summary>
public enum OracleJoinBaseline { Join, All }

/// <summary>
/// The policy table of the vectors' vocabulary, under the same keys, with the same defaults. Written
/// apart from the product's options on purpose: the oracle shares nothing with what it judges.
/// </summary>
public sealed record OraclePolicy
{
    /// <summary>Messages of one's own count as unread where the pointer lies before them.</summary>
    public bool OwnCounts { get; init; }

    /// <summary>Sending a message reads the channel (or its thread) up to it.</summary>
    public bool OwnSendAcks { get; init; } = true;

    /// <summary>A message posted by an integration under one's name is one's own.</summary>
    public bool WebhookIsOwn { get; init; } = true;

    /// <summary>In direct and group channels each message of others is a mention.</summary>
    public bool DmMentions { get; init; } = true;

    /// <summary>How threads are read.</summary>
    public OracleThreads Threads { get; init; } = OracleThreads.Inline;

    /// <summary>Kinds of messages that count; named kinds only (an unspecified one is text).</summary>
    public IReadOnlyList<MessageKind> CountKinds { get; init; } = [MessageKind.Text, MessageKind.System];

    /// <summary>A muted channel shows 0 for itself; the badge is as without.</summary>
    public bool MuteZeroes { get; init; }

    /// <summary>Where a join begins.</summary>
    public OracleJoinBaseline JoinBaseline { get; init; } = OracleJoinBaseline.Join;

    /// <summary>Counts cover this many of the newest ids sent to a channel, 1 .. 1,000,000.</summary>
    public int Window { get; init; } = 10_000;

    /// <summary>Marking unread from a message of one's own is refused.</summary>
    public bool RefuseOwnUnreadFrom { get; init; }

    /// <summary>In a muted direct or group channel only named and everyone mentions are mentions.</summary>
    public bool DmMutedMentionsOnly { get; init; }

    /// <summary>Messages for which an edit or delete may wait, a channel, 1 .. 100,000.</summary>
    public int WaitingLimit { get; init; } = 1_000;

    /// <summary>Does a message of this kind count?</summary>
    public bool Counts(MessageKind kind) =>
        CountKinds.Contains(kind == MessageKind.Unspecified ? MessageKind.Text : kind);

    /// <summary>The overrides of a vector over the defaults; FormatException for a key or value not offered.</summary>
    public static OraclePolicy FromJson(JsonElement overrides)
    {
        var policy = new OraclePolicy();
        foreach (var member in overrides.EnumerateObject())
            policy = policy.With(member.Name, member.Value);
        return policy;
    }

    /// <summary>All keys with their values, to print beside a failing seed.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"ownCounts={OwnCounts} ownSendAcks={OwnSendAcks} webhookIsOwn={WebhookIsOwn} dmMentions={DmMentions} " +
        $"threads={Threads} countKinds={string.Join('+', CountKinds)} muteZeroes={MuteZeroes} joinBaseline={JoinBaseline} " +
        $"window={Window} refuseOwnUnreadFrom={RefuseOwnUnreadFrom} dmMutedMentionsOnly={DmMutedMentionsOnly} " +
        $"waitingLimit={WaitingLimit}");

    private OraclePolicy With(string key, JsonElement value) => key switch
    {
        "ownCounts" => this with { OwnCounts = value.GetBoolean() },
        "ownSendAcks" => this with { OwnSendAcks = value.GetBoolean() },
        "webhookIsOwn" => this with { WebhookIsOwn = value.GetBoolean() },
        "dmMentions" => this with { DmMentions = value.GetBoolean() },
        "threads" => this with { Threads = Enum.Parse<OracleThreads>(value.GetString()!, ignoreCase: true) },
        "countKinds" => this with { CountKinds = [.. value.EnumerateArray().Select(kind => KindNamed(kind.GetString()!))] },
        "muteZeroes" => this with { MuteZeroes = value.GetBoolean() },
        "joinBaseline" => this with { JoinBaseline = Enum.Parse<OracleJoinBaseline>(value.GetString()!, ignoreCase: true) },
        "window" => this with { Window = value.GetInt32() },
        "refuseOwnUnreadFrom" => this with { RefuseOwnUnreadFrom = value.GetBoolean() },
        "dmMutedMentionsOnly" => this with { DmMutedMentionsOnly = value.GetBoolean() },
        "waitingLimit" => this with { WaitingLimit = value.GetInt32() },
        "unreadFrom" when value.GetString() == "pointer" => this,
        "model" when value.GetString() == "pointer" => this,
        _ => throw new FormatException($"policy {key}: {value} is not offered"),
    };

    /// <summary>Message kind by its name in the vocabulary; FormatException for another.</summary>
    public static MessageKind KindNamed(string name) => name switch
    {
        "text" => MessageKind.Text,
        "joinleave" => MessageKind.JoinLeave,
        "system" => MessageKind.System,
        "notice" => MessageKind.Notice,
        "silent" => MessageKind.Silent,
        _ => throw new FormatException($"message kind {name} is unknown"),
    };
}
