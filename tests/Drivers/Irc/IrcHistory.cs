using System.IO.Compression;
using System.Text.Json;
using ReadStateStream.Harness;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Drivers.Irc;

/// <summary>How many of each kind of event a run publishes.</summary>
internal sealed class IrcCounts
{
    public long Joins { get; set; }
    public long Leaves { get; set; }
    public long Sends { get; set; }
    public long Mentions { get; set; }
    public long Reads { get; set; }
    public long PointersSet { get; set; }
    public long Mutes { get; set; }
    public long ByNonMembers { get; set; }
    public long Events => Joins + Leaves + Sends + Reads + PointersSet + Mutes;
}

/// <summary>
/// The IRC history (joins, leaves, sends) with what it lacks made up from a seed: reads, pointers set
/// back, mutes, some of them by people who are not in the channel. Names become ids by order of appearance.
/// </summary>
internal sealed class IrcHistory
{
    private readonly Random random;
    private readonly double readsPerMessage;
    private readonly EventIds ids;
    private readonly Dictionary<string, ulong> users = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Room> rooms = new(StringComparer.Ordinal);

    private IrcHistory(int seed, double readsPerMessage, TimeProvider time)
    {
        random = new Random(seed);
        this.readsPerMessage = readsPerMessage;
        ids = new EventIds(time);
    }

    /// <summary>All events, in the order in which they happened.</summary>
    public List<ChannelEvent> Events { get; } = [];

    /// <summary>Of what they consist.</summary>
    public IrcCounts Counts { get; } = new();

    /// <summary>Reads the file and adds the rest.</summary>
    /// <param name="file">irc_events.jsonl.gz of the shared folder.</param>
    /// <param name="seed">Of the synthesised events; the same seed makes the same ones.</param>
    /// <param name="readsPerMessage">Reads for a message, on average, 0 … .</param>
    /// <param name="time">Event ids are of now, so that no processor takes them for the future's.</param>
    /// <exception cref="InvalidDataException">A line is no join, leave or send.</exception>
    public static IrcHistory Load(FileInfo file, int seed, double readsPerMessage, TimeProvider time)
    {
        var history = new IrcHistory(seed, readsPerMessage, time);
        using var stream = new GZipStream(file.OpenRead(), CompressionMode.Decompress);
        using var lines = new StreamReader(stream);
        while (lines.ReadLine() is { } line) history.AddLine(JsonSerializer.Deserialize<JsonElement>(line));
        return history;
    }

    private void AddLine(JsonElement line)
    {
        var room = RoomOf(line.GetProperty("ch").GetString()!);
        switch (line.GetProperty("op").GetString())
        {
            case "join": Join(room, UserOf(line, "user")); break;
            case "leave": Leave(room, UserOf(line, "user")); break;
            case "send": Send(room, line); break;
            case var op: throw new InvalidDataException($"'{op}' is no event of this history");
        }
    }

    private void Join(Room room, ulong user)
    {
        room.Enter(user);
        Add(new ChannelEvent { MemberJoined = new() { ChannelId = room.Id, UserId = user } });
        Counts.Joins++;
    }

    private void Leave(Room room, ulong user)
    {
        room.Leave(user);
        Add(new ChannelEvent { MemberLeft = new() { ChannelId = room.Id, UserId = user } });
        Counts.Leaves++;
    }

    private void Send(Room room, JsonElement line)
    {
        var sent = new MessageSent
        {
            ChannelId = room.Id,
            MessageId = line.GetProperty("id").GetUInt64(),
            AuthorId = UserOf(line, "author"),
            Kind = MessageKind.Text,
        };
        if (line.TryGetProperty("mentions", out var mentions))
            sent.MentionedUserIds.AddRange(mentions.EnumerateArray().Select(name => UserOf(name.GetString()!)));
        room.Head = Math.Max(room.Head, sent.MessageId);
        Add(new ChannelEvent { MessageSent = sent });
        Counts.Sends++;
        Counts.Mentions += sent.MentionedUserIds.Count;
        Synthesise(room);
    }

    private void Synthesise(Room room)
    {
        for (var left = readsPerMessage; left > 0; left--)
        {
            if (random.NextDouble() >= left) continue;
            var user = SomebodyOf(room);
            Add(Made(room, user));
        }
    }

    // Mostly people of the channel; one in a hundred is somebody who was never or is no longer there.
    private ulong SomebodyOf(Room room)
    {
        if (room.Present.Count > 0 && random.Next(100) != 0) return room.Present[random.Next(room.Present.Count)];
        var user = 1 + (ulong)random.Next(users.Count);
        if (!room.Has(user)) Counts.ByNonMembers++;
        return user;
    }

    private ChannelEvent Made(Room room, ulong user)
    {
        var kind = random.Next(100);
        if (kind < 3)
        {
            Counts.PointersSet++;
            return new ChannelEvent { PointerSet = new() { ChannelId = room.Id, UserId = user, UpToId = Near(room, 50) } };
        }
        if (kind < 4)
        {
            Counts.Mutes++;
            return new ChannelEvent { ChannelMuted = new() { ChannelId = room.Id, UserId = user, On = random.Next(3) != 0 } };
        }
        Counts.Reads++;
        return new ChannelEvent { MessagesRead = new() { ChannelId = room.Id, UserId = user, UpToId = Math.Max(1, Near(room, 10)) } };
    }

    // Behind the head by some, now and then at it or a little beyond.
    private ulong Near(Room room, int behind)
    {
        if (random.Next(100) == 0) return room.Head + (ulong)random.Next(1, 4);
        return room.Head - Math.Min(room.Head, (ulong)random.Next(behind));
    }

    private void Add(ChannelEvent fact)
    {
        fact.EventId = ids.Next();
        Events.Add(fact);
    }

    private ulong UserOf(JsonElement line, string name) => UserOf(line.GetProperty(name).GetString()!);

    private ulong UserOf(string name)
    {
        if (!users.TryGetValue(name, out var id)) users[name] = id = 1 + (ulong)users.Count;
        return id;
    }

    private Room RoomOf(string name)
    {
        if (!rooms.TryGetValue(name, out var room)) rooms[name] = room = new Room(1 + (ulong)rooms.Count);
        return room;
    }

    /// <summary>A channel while the history is read: its head and who is in it, in an order that a seed can pick from.</summary>
    private sealed class Room(ulong id)
    {
        private readonly Dictionary<ulong, int> places = [];

        public ulong Id => id;
        public ulong Head { get; set; }
        public List<ulong> Present { get; } = [];

        public bool Has(ulong user) => places.ContainsKey(user);

        public void Enter(ulong user)
        {
            if (!places.TryAdd(user, Present.Count)) return;
            Present.Add(user);
        }

        public void Leave(ulong user)
        {
            if (!places.Remove(user, out var place)) return;
            var last = Present[^1];
            Present[place] = last;
            Present.RemoveAt(Present.Count - 1);
            if (last != user) places[last] = place;
        }
    }
}
