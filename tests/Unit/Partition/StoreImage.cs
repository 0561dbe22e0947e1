using ReadStateStream.Partition.Store;
using ReadStateStream.Schemas;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Unit.Partition;

/// <summary>What a log may have written: the ids from which every key of a store can be made.</summary>
/// <param name="Users">Everyone who can have a state, a channel list or a list of blocks.</param>
/// <param name="Channels">Every channel.</param>
/// <param name="Threads">Every root of a thread.</param>
public sealed record KeyUniverse(IReadOnlyList<ulong> Users, IReadOnlyList<ulong> Channels, IReadOnlyList<ulong> Threads)
{
    public static KeyUniverse Of(IEnumerable<ChannelEvent> facts)
    {
        SortedSet<ulong> users = [], channels = [], threads = [];
        foreach (var fact in facts)
        {
            var body = OracleChecks.LogChanges.FactOf(fact);
            foreach (var field in body.Descriptor.Fields.InDeclarationOrder())
            {
                var ids = field.Name switch
                {
                    "user_id" or "author_id" => users,
                    "channel_id" => channels,
                    "thread_root_id" => threads,
                    _ => null,
                };
                if (ids is not null && (ulong)field.Accessor.GetValue(body) is var id and not 0) ids.Add(id);
            }
            if (fact.ChannelCreated is { } created) users.UnionWith(created.MemberIds);
        }
        return new KeyUniverse([.. users], [.. channels], [.. threads]);
    }
}

/// <summary>The records of stores, aggregate by aggregate, copied out as they were at one position.</summary>
public sealed class StoreImage
{
    /// <summary>Sub-kinds of the lists that a user has.</summary>
    private static readonly SubKind[] UserLists = [SubKind.ChannelList, SubKind.Blocked];

    private readonly Dictionary<string, List<(Key16 Key, byte[] Value)>> aggregates = [];

    private StoreImage()
    {
    }

    /// <summary>Copies every aggregate of a store.</summary>
    public static StoreImage Of(StateStore store, KeyUniverse universe)
    {
        var image = new StoreImage();
        store.Enter();
        try
        {
            foreach (var channel in universe.Channels) image.TakeChannel(store, channel);
            foreach (var user in universe.Users)
            {
                foreach (var list in UserLists) image.TakeList(store, user, list);
                foreach (var channel in universe.Channels) image.TakeState(store, user, channel, universe.Threads);
            }
            image.TakeList(store, 0, SubKind.DeadLetters);
        }
        finally
        {
            store.Exit();
        }
        return image;
    }

    /// <summary>Each aggregate from an image of its own choice.</summary>
    public static StoreImage Mixed(IReadOnlyList<StoreImage> images, Random random)
    {
        var mixed = new StoreImage();
        foreach (var name in images[0].aggregates.Keys.Order(StringComparer.Ordinal))
            mixed.aggregates[name] = images[random.Next(images.Count)].aggregates[name];
        return mixed;
    }

    /// <summary>Writes every record into a store.</summary>
    public void CopyTo(StateStore store)
    {
        store.Enter();
        try
        {
            foreach (var (key, value) in aggregates.Values.SelectMany(records => records))
            {
                value.CopyTo(store.Scratch);
                store.WriteExactly(key, value.Length, value.Length);
            }
        }
        finally
        {
            store.Exit();
        }
    }

    private void TakeChannel(StateStore store, ulong channel)
    {
        var records = Begin($"channel {channel}");
        var main = new ChannelRecord();
        main.Decode(Take(store, Key16.OfChannel(channel, SubKind.ChannelRecord), records));
        for (var number = 0U; number < main.NextNumber; number++)
        {
            Take(store, Key16.OfChannel(channel, SubKind.Block, number), records);
            Take(store, Key16.OfChannel(channel, SubKind.Mentions, number), records);
        }
        var perRecord = BlockDirectory.EntriesPerRecord(store.MaxValueBytes);
        for (var number = 0; number * perRecord < main.BlockCount; number++)
            Take(store, Key16.OfChannel(channel, SubKind.Directory, (uint)number), records);
    }

    private void TakeState(StateStore store, ulong user, ulong channel, IReadOnlyList<ulong> threads)
    {
        var records = Begin($"state {user} {channel}");
        Take(store, Key16.ReadState(user, channel), records);
        foreach (var root in threads) Take(store, Key16.Thread(user, channel, root), records);
    }

    private void TakeList(StateStore store, ulong user, SubKind subKind)
    {
        var records = Begin($"{subKind} {user}");
        var chunks = IdListRecord.ChunksOf(Take(store, Key16.OfUser(user, subKind), records));
        for (var number = 1; number < chunks; number++) Take(store, Key16.OfUser(user, subKind, (uint)number), records);
    }

    private List<(Key16 Key, byte[] Value)> Begin(string aggregate) => aggregates[aggregate] = [];

    private static ReadOnlySpan<byte> Take(StateStore store, Key16 key, List<(Key16 Key, byte[] Value)> records)
    {
        var value = store.Read(key);
        if (!value.IsEmpty) records.Add((key, value.ToArray()));
        return value;
    }
}
