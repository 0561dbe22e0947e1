using System.ComponentModel.DataAnnotations;

namespace ReadStateStream.Fold;

/// <summary>Kinds of channels, as the contract numbers them.</summary>
public enum ChannelKind : byte { Unspecified = 0, Guild = 1, Direct = 2, Group = 3 }

/// <summary>Kinds of messages, as the contract numbers them (0 is read as text).</summary>
public enum MessageKind : byte { Unspecified = 0, Text = 1, JoinLeave = 2, System = 3, Notice = 4, Silent = 5 }

/// <summary>How threads are read: with their channel, or each with a pointer of its own.</summary>
public enum ThreadMode : byte { Inline = 0, Separate = 1 }

/// <summary>From where on messages count for one who joins.</summary>
public enum JoinBaseline : byte { Join = 0, All = 1 }

/// <summary>
/// What counts as unread and as a mention. Defaults are our recommendation; the peers' other choices
/// are in the vectors' vocabulary. Members marked "stored" change what is kept and belong to the lineage:
/// another value needs a new one. The others are applied when a question is answered.
/// </summary>
public sealed class PolicyOptions
{
    /// <summary>Messages of one's own count as unread where the pointer lies before them.</summary>
    public bool OwnCounts { get; set; }

    /// <summary>Stored. Sending a message reads the channel (or its thread) up to it.</summary>
    public bool OwnSendAcks { get; set; } = true;

    /// <summary>Stored. A message posted by an integration under one's name is one's own.</summary>
    public bool WebhookIsOwn { get; set; } = true;

    /// <summary>In direct and group channels each message of others is a mention.</summary>
    public bool DmMentions { get; set; } = true;

    /// <summary>Stored. Threads are read with their channel, or each has a pointer.</summary>
    public ThreadMode Threads { get; set; } = ThreadMode.Inline;

    /// <summary>Stored. Kinds of messages that count, at least one. Empty binds to the default: text, system.</summary>
    public IList<MessageKind> CountKinds { get; set; } = [];

    /// <summary>A muted channel shows 0 for itself; the badge is as without.</summary>
    public bool MuteZeroes { get; set; }

    /// <summary>From the join on, or the whole history.</summary>
    public JoinBaseline JoinBaseline { get; set; } = JoinBaseline.Join;

    /// <summary>Stored. Counts cover this many of the newest message ids of a channel, 1 .. 1,000,000.</summary>
    [Range(1, 1_000_000)]
    public int Window { get; set; } = 10_000;

    /// <summary>Marking unread from a message of one's own is refused.</summary>
    public bool RefuseOwnUnreadFrom { get; set; }

    /// <summary>In a muted direct or group channel only named and everyone mentions are mentions.</summary>
    public bool DmMutedMentionsOnly { get; set; }

    /// <summary>Stored. Edits and deletes kept for messages not yet seen, a channel, 1 .. 100,000.</summary>
    [Range(1, 100_000)]
    public int WaitingLimit { get; set; } = 1_000;

    /// <summary>Bit n is set where kind n counts; kind 0 is text.</summary>
    public uint CountKindsMask()
    {
        uint mask = 0;
        foreach (var kind in CountKinds.Count == 0 ? DefaultCountKinds : CountKinds)
            mask |= 1u << (int)(kind == MessageKind.Unspecified ? MessageKind.Text : kind);
        return (mask & (1u << (int)MessageKind.Text)) != 0 ? mask | 1u : mask;
    }

    private static readonly MessageKind[] DefaultCountKinds = [MessageKind.Text, MessageKind.System];
}
