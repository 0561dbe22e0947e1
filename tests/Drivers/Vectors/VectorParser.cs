using System.Text.Json;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Drivers.Vectors;

/// <summary>
/// Reads one line of the vocabulary. Names become ids of this scenario's own range, so that one product
/// serves many scenarios. What the vocabulary does not have is an error with its place.
/// </summary>
internal sealed class VectorParser
{
    /// <summary>Ids a scenario may use: users and channels each.</summary>
    private const ulong IdsPerVector = 100_000;

    private readonly string id;
    private readonly ulong firstId;
    private readonly Dictionary<string, ulong> users = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ulong> channels = new(StringComparer.Ordinal);
    private readonly List<Step> steps = [];

    private VectorParser(string id, int number)
    {
        this.id = id;
        firstId = ((ulong)number * IdsPerVector) + 1;
    }

    /// <summary>Reads a line.</summary>
    /// <param name="line">One JSON object.</param>
    /// <param name="number">From 0; names its range of ids.</param>
    /// <exception cref="VectorFormatException">It is no scenario of the vocabulary.</exception>
    public static Vector Parse(string line, int number)
    {
        var id = $"line {number + 1}";
        JsonElement root;
        try
        {
            root = JsonSerializer.Deserialize<JsonElement>(line);
        }
        catch (JsonException e)
        {
            throw new VectorFormatException(id, e.Message);
        }
        if (root.ValueKind != JsonValueKind.Object) throw new VectorFormatException(id, "not a JSON object");
        if (root.TryGetProperty("id", out var named) && named.ValueKind == JsonValueKind.String) id = named.GetString()!;
        else throw new VectorFormatException(id, "id: missing");
        return new VectorParser(id, number).Read(root);
    }

    private Vector Read(JsonElement root)
    {
        var policy = root.TryGetProperty("policy", out var element) && element.ValueKind == JsonValueKind.Object
            ? VectorPolicy.Parse(id, element)
            : VectorPolicy.Parse(id, JsonSerializer.SerializeToElement(new { }));
        // What is not offered may use steps that nothing else has.
        if (policy.Declined is not null) return new Vector(id, policy, []);
        if (!root.TryGetProperty("steps", out var list) || list.ValueKind != JsonValueKind.Array)
            throw new VectorFormatException(id, "steps: missing");
        foreach (var element2 in list.EnumerateArray())
        {
            var step = new StepReader(id, steps.Count, element2, users, channels, firstId);
            steps.Add(ReadStep(step));
            step.RefuseOthers();
        }
        return new Vector(id, policy, steps);
    }

    private Step ReadStep(StepReader s) => s.Op switch
    {
        "chan" => s.Event(new ChannelEvent { ChannelCreated = Created(s) }),
        "unchan" => s.Event(new ChannelEvent { ChannelDeleted = new() { ChannelId = s.Channel() } }),
        "join" => s.Event(new ChannelEvent { MemberJoined = new() { ChannelId = s.Channel(), UserId = s.User() } }),
        "leave" => s.Event(new ChannelEvent { MemberLeft = new() { ChannelId = s.Channel(), UserId = s.User() } }),
        "send" => s.Event(new ChannelEvent { MessageSent = Sent(s) }),
        "edit" => s.Event(new ChannelEvent { MessageEdited = Edited(s) }),
        "delete" => s.Event(new ChannelEvent { MessageDeleted = new() { ChannelId = s.Channel(), MessageId = s.Id("id") } }),
        "purge" => s.Event(new ChannelEvent { MessagesPurged = new() { ChannelId = s.Channel(), BeforeId = s.Id("before") } }),
        "read" => s.Event(new ChannelEvent { MessagesRead = Read(s) }),
        "ack_back" => s.Event(new ChannelEvent
        {
            PointerSet = new() { ChannelId = s.Channel(), UserId = s.User(), UpToId = s.Id("upTo") },
        }),
        "mute" => s.Event(new ChannelEvent { ChannelMuted = new() { ChannelId = s.Channel(), UserId = s.User(), On = s.Flag("on") } }),
        "suppress" => s.Event(new ChannelEvent
        {
            EveryoneSuppressed = new() { ChannelId = s.Channel(), UserId = s.User(), On = s.Flag("on") },
        }),
        "block" => s.Event(new ChannelEvent
        {
            UserBlocked = new() { UserId = s.User(), BlockedUserId = s.User("who"), On = s.Flag("on", byDefault: true) },
        }),
        "read_all" => new ReadAllStep(s.Place, s.User(), s.OptionalChannels("chs")),
        "unread_from" => new UnreadFromStep(s.Place, s.User(), s.Channel(), s.Id("id"), s.Flag("error", byDefault: false)),
        "snapshot" => new SnapshotStep(s.Place),
        "dup" => new AgainStep(s.Place, Published(s, steps.Count - 1)),
        "again" => new AgainStep(s.Place, Published(s, s.Index("of"))),
        "expect" => Expect(s),
        "expect_total" => new ExpectTotalStep(s.Place, s.User(), s.OptionalId("unread"), s.OptionalId("mentions")),
        _ => throw s.Error("op", $"'{s.Op}' is no step that this policy has"),
    };

    // A dup of a dup, and one behind an expect, mean the last step that was delivered at all.
    private int Published(StepReader s, int index)
    {
        for (var i = index; i >= 0 && i < steps.Count; i--)
        {
            if (steps[i] is EventStep or ReadAllStep or UnreadFromStep) return i;
            if (steps[i] is AgainStep again) return again.Of;
            if (s.Op == "again") break;
        }
        throw s.Error("of", "names no earlier step that publishes anything");
    }

    private static ChannelCreated Created(StepReader s)
    {
        var created = new ChannelCreated { ChannelId = s.Channel(), Kind = s.OneOf("kind", ChannelKinds) };
        created.MemberIds.AddRange(s.Users("members"));
        return created;
    }

    private static MessageSent Sent(StepReader s)
    {
        var sent = new MessageSent
        {
            ChannelId = s.Channel(),
            MessageId = s.Id("id"),
            AuthorId = s.User("author"),
            MentionsEveryone = s.Flag("everyone", byDefault: false),
            Kind = s.Has("kind") ? s.OneOf("kind", MessageKinds) : MessageKind.Text,
            ThreadRootId = s.OptionalId("thread") ?? 0,
            ViaIntegration = s.Has("via") && s.OneOf("via", Via),
        };
        sent.MentionedUserIds.AddRange(s.Users("mentions"));
        return sent;
    }

    private static MessageEdited Edited(StepReader s)
    {
        var edited = new MessageEdited
        {
            ChannelId = s.Channel(),
            MessageId = s.Id("id"),
            MentionsEveryone = s.Flag("everyone", byDefault: false),
        };
        edited.MentionedUserIds.AddRange(s.Users("mentions"));
        return edited;
    }

    private static MessagesRead Read(StepReader s)
    {
        var read = new MessagesRead { ChannelId = s.Channel(), UserId = s.User(), UpToId = s.Id("upTo") };
        switch (s.OptionalThread())
        {
            case null: break;
            case 0: read.MainTimeline = true; break;
            case { } root: read.ThreadRootId = root; break;
        }
        return read;
    }

    private static ExpectStep Expect(StepReader s) => new(s.Place, s.User(), s.Channel())
    {
        Thread = s.OptionalThread(),
        Unread = s.OptionalId("unread"),
        Mentions = s.OptionalId("mentions"),
        HasFirst = s.Has("first"),
        First = s.OptionalId("first"),
        Member = s.OptionalFlag("member"),
        Capped = s.OptionalFlag("capped"),
    };

    private static readonly Dictionary<string, ChannelKind> ChannelKinds = new(StringComparer.Ordinal)
    {
        ["guild"] = ChannelKind.Guild,
        ["dm"] = ChannelKind.Direct,
        ["group"] = ChannelKind.Group,
    };

    private static readonly Dictionary<string, MessageKind> MessageKinds = new(StringComparer.Ordinal)
    {
        ["text"] = MessageKind.Text,
        ["joinleave"] = MessageKind.JoinLeave,
        ["system"] = MessageKind.System,
        ["notice"] = MessageKind.Notice,
        ["silent"] = MessageKind.Silent,
    };

    private static readonly Dictionary<string, bool> Via = new(StringComparer.Ordinal) { ["webhook"] = true };
}
