using System.Globalization;
using System.Text.Json;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Oracle.Vectors;

/// <summary>
/// Turns the steps of one vector that state facts into events. Names become numbers: users from 1,
/// channels from 1,001, in the order in which they appear.
/// </summary>
internal sealed class VectorEvents
{
    private readonly Dictionary<string, ulong> users = [];
    private readonly Dictionary<string, ulong> channels = [];

    public ulong User(JsonElement step, string key = "user") => User(step.GetProperty(key).GetString()!);

    public ulong Channel(JsonElement step) => Channel(step.GetProperty("ch").GetString()!);

    public ulong Channel(string name) => NumberOf(channels, name, 1_001);

    private ulong User(string name) => NumberOf(users, name, 1);

    private static ulong NumberOf(Dictionary<string, ulong> numbers, string name, ulong first)
    {
        if (!numbers.TryGetValue(name, out var number)) numbers.Add(name, number = first + (ulong)numbers.Count);
        return number;
    }

    /// <summary>The event of a step, its event id not yet set; null where the step states no fact.</summary>
    public ChannelEvent? Of(string op, JsonElement step) => op switch
    {
        "chan" => new ChannelEvent { ChannelCreated = Created(step) },
        "unchan" => new ChannelEvent { ChannelDeleted = new ChannelDeleted { ChannelId = Channel(step) } },
        "join" => new ChannelEvent { MemberJoined = new MemberJoined { ChannelId = Channel(step), UserId = User(step) } },
        "leave" => new ChannelEvent { MemberLeft = new MemberLeft { ChannelId = Channel(step), UserId = User(step) } },
        "send" => new ChannelEvent { MessageSent = Sent(step) },
        "edit" => new ChannelEvent { MessageEdited = Edited(step) },
        "delete" => new ChannelEvent
        {
            MessageDeleted = new MessageDeleted { ChannelId = Channel(step), MessageId = Number(step, "id") },
        },
        "purge" => new ChannelEvent
        {
            MessagesPurged = new MessagesPurged { ChannelId = Channel(step), BeforeId = Number(step, "before") },
        },
        "read" => new ChannelEvent { MessagesRead = Read(step) },
        "ack_back" => PointerAt(User(step), Channel(step), Number(step, "upTo")),
        "mute" => new ChannelEvent
        {
            ChannelMuted = new ChannelMuted { ChannelId = Channel(step), UserId = User(step), On = Flag(step, "on", true) },
        },
        "suppress" => new ChannelEvent
        {
            EveryoneSuppressed = new EveryoneSuppressed
            {
                ChannelId = Channel(step), UserId = User(step), On = Flag(step, "on", true),
            },
        },
        "block" => new ChannelEvent
        {
            UserBlocked = new UserBlocked { UserId = User(step), BlockedUserId = User(step, "who"), On = Flag(step, "on", true) },
        },
        _ => null,
    };

    public static ChannelEvent PointerAt(ulong user, ulong channel, ulong upTo) =>
        new() { PointerSet = new PointerSet { ChannelId = channel, UserId = user, UpToId = upTo } };

    public static ChannelEvent ReadUpTo(ulong user, ulong channel, ulong upTo) =>
        new() { MessagesRead = new MessagesRead { ChannelId = channel, UserId = user, UpToId = upTo } };

    public static ulong Number(JsonElement step, string key) => ParseNumber(step.GetProperty(key));

    /// <summary>A number, or its decimal text.</summary>
    public static ulong ParseNumber(JsonElement value) => value.ValueKind == JsonValueKind.String
        ? ulong.Parse(value.GetString()!, NumberStyles.None, CultureInfo.InvariantCulture)
        : value.GetUInt64();

    /// <summary>Root of a thread; 0 for "main".</summary>
    public static ulong RootOf(JsonElement thread) =>
        thread.ValueKind == JsonValueKind.String && thread.GetString() == "main" ? 0 : ParseNumber(thread);

    private ChannelCreated Created(JsonElement step)
    {
        var created = new ChannelCreated
        {
            ChannelId = Channel(step),
            Kind = step.GetProperty("kind").GetString() switch
            {
                "guild" => ChannelKind.Guild,
                "dm" => ChannelKind.Direct,
                "group" => ChannelKind.Group,
                var kind => throw new FormatException($"channel kind {kind} is unknown"),
            },
        };
        created.MemberIds.Add(Users(step, "members"));
        return created;
    }

    private MessageSent Sent(JsonElement step)
    {
        var sent = new MessageSent
        {
            ChannelId = Channel(step),
            MessageId = Number(step, "id"),
            AuthorId = User(step, "author"),
            MentionsEveryone = Flag(step, "everyone", false),
            Kind = step.TryGetProperty("kind", out var kind) ? OraclePolicy.KindNamed(kind.GetString()!) : MessageKind.Text,
            ThreadRootId = step.TryGetProperty("thread", out var thread) ? ParseNumber(thread) : 0,
            ViaIntegration = step.TryGetProperty("via", out var via) && via.GetString() == "webhook",
        };
        sent.MentionedUserIds.Add(Users(step, "mentions"));
        return sent;
    }

    private MessageEdited Edited(JsonElement step)
    {
        var edited = new MessageEdited
        {
            ChannelId = Channel(step), MessageId = Number(step, "id"), MentionsEveryone = Flag(step, "everyone", false),
        };
        edited.MentionedUserIds.Add(Users(step, "mentions"));
        return edited;
    }

    private MessagesRead Read(JsonElement step)
    {
        var read = new MessagesRead { ChannelId = Channel(step), UserId = User(step), UpToId = Number(step, "upTo") };
        if (!step.TryGetProperty("thread", out var thread)) return read;
        if (RootOf(thread) is var root and not 0) read.ThreadRootId = root;
        else read.MainTimeline = true;
        return read;
    }

    private IEnumerable<ulong> Users(JsonElement step, string key) =>
        step.TryGetProperty(key, out var names) ? [.. names.EnumerateArray().Select(name => User(name.GetString()!))] : [];

    private static bool Flag(JsonElement step, string key, bool absent) =>
        step.TryGetProperty(key, out var value) ? value.GetBoolean() : absent;
}
