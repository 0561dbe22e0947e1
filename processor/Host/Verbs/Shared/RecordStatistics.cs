using ReadStateStream.Partition.Checkpoint;

namespace ReadStateStream.Host.Verbs.Shared;

/// <summary>Current records of one kind.</summary>
/// <param name="Kind">One of <see cref="RecordName.Kinds"/>.</param>
/// <param name="Records">How many.</param>
/// <param name="Bytes">Bytes that they take in the log, FASTER's own included.</param>
/// <param name="UsedBytes">Bytes of their values in use.</param>
internal sealed record KindFigures(string Kind, long Records, long Bytes, long UsedBytes);

/// <summary>Current records up to a size.</summary>
/// <param name="UpTo">Greatest size of this class, bytes in the log.</param>
/// <param name="Records">How many lie above the class before it.</param>
internal sealed record SizeClass(int UpTo, long Records);

/// <summary>A channel with all its parts.</summary>
/// <param name="Partition">Its partition.</param>
/// <param name="Channel">Its id.</param>
/// <param name="Bytes">Bytes of its records in the log.</param>
/// <param name="Messages">Messages kept.</param>
internal sealed record ChannelFigures(int Partition, string Channel, long Bytes, long Messages);

/// <summary>What a checkpoint holds, counted from its records.</summary>
/// <param name="LogBytes">Bytes of the record log.</param>
/// <param name="LiveBytes">Bytes of the current records.</param>
/// <param name="Kinds">By kind.</param>
/// <param name="Sizes">By size.</param>
/// <param name="States">Read states.</param>
/// <param name="Messages">Messages kept.</param>
/// <param name="Channels">Channels.</param>
/// <param name="Largest">The largest channels, the largest first.</param>
internal sealed record RecordStatistics(
    long LogBytes, long LiveBytes, IReadOnlyList<KindFigures> Kinds, IReadOnlyList<SizeClass> Sizes, long States, long Messages, long Channels,
    IReadOnlyList<ChannelFigures> Largest)
{
    private const int LargestKept = 10;

    /// <summary>Bytes that are not current.</summary>
    public long GarbageBytes => LogBytes - LiveBytes;

    /// <summary>Counts a checkpoint's records.</summary>
    /// <exception cref="ReadStateStream.Partition.Store.DamageException">The files do not hold what was written.</exception>
    public static RecordStatistics Of(CheckpointFiles files, CheckpointManifest manifest, Action<long> progress)
    {
        using var device = files.Open(manifest);
        var newest = new NewestRecords(device, 1 << manifest.Geometry.PageBits, manifest.Fold.Begin, manifest.Fold.Tail);
        var kinds = RecordName.Kinds.ToDictionary(kind => kind, kind => new KindFigures(kind, 0, 0, 0));
        var sizes = new SortedDictionary<int, long>();
        var largest = new PriorityQueue<ChannelFigures, long>();
        long messages = 0;
        for (var round = 0; round < newest.Rounds; round++)
        {
            newest.Read(round, newest.Rounds);
            messages += AddRound(newest, kinds, sizes, largest, files.Partition);
            progress(newest.Bytes / newest.Rounds);
        }
        var top = new List<ChannelFigures>();
        while (largest.TryDequeue(out var one, out _)) top.Insert(0, one);
        return new RecordStatistics(
            newest.Bytes, kinds.Values.Sum(kind => kind.Bytes), [.. RecordName.Kinds.Select(kind => kinds[kind])],
            [.. sizes.Select(size => new SizeClass(size.Key, size.Value))], kinds["readState"].Records, messages, kinds["channel"].Records, top);
    }

    // All records of a channel are in one round.
    private static long AddRound(
        NewestRecords newest, Dictionary<string, KindFigures> kinds, SortedDictionary<int, long> sizes, PriorityQueue<ChannelFigures, long> largest, int partition)
    {
        var channels = new Dictionary<ulong, (long Bytes, long Messages)>();
        var channel = new ChannelRecord();
        foreach (var record in newest.Records.Values)
        {
            var kind = RecordName.KindOf(record.Key) ?? throw new InvalidDataException($"{RecordName.Of(record.Key, [])} at address {record.Address}");
            var figures = kinds[kind];
            kinds[kind] = figures with { Records = figures.Records + 1, Bytes = figures.Bytes + record.Bytes, UsedBytes = figures.UsedBytes + record.Used };
            var upTo = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)record.Bytes);
            sizes[upTo] = sizes.GetValueOrDefault(upTo) + 1;
            if (record.Key.Kind != RecordKind.Channel) continue;
            var (bytes, messages) = channels.GetValueOrDefault(record.Key.Channel);
            if (kind == "channel")
            {
                channel.Decode(newest.ValueOf(record));
                messages += channel.BlockSent + channel.TailSent;
            }
            channels[record.Key.Channel] = (bytes + record.Bytes, messages);
        }
        foreach (var (id, (bytes, messages)) in channels)
        {
            largest.Enqueue(new ChannelFigures(partition, id.ToString(System.Globalization.CultureInfo.InvariantCulture), bytes, messages), bytes);
            if (largest.Count > LargestKept) largest.Dequeue();
        }
        return channels.Values.Sum(one => one.Messages);
    }

    /// <summary>Several partitions together.</summary>
    public static RecordStatistics Sum(IReadOnlyCollection<RecordStatistics> parts) => new(
        parts.Sum(part => part.LogBytes), parts.Sum(part => part.LiveBytes),
        [.. RecordName.Kinds.Select((kind, i) => new KindFigures(
            kind, parts.Sum(part => part.Kinds[i].Records), parts.Sum(part => part.Kinds[i].Bytes), parts.Sum(part => part.Kinds[i].UsedBytes)))],
        [.. parts.SelectMany(part => part.Sizes).GroupBy(size => size.UpTo, size => size.Records).OrderBy(group => group.Key)
            .Select(group => new SizeClass(group.Key, group.Sum()))],
        parts.Sum(part => part.States), parts.Sum(part => part.Messages), parts.Sum(part => part.Channels),
        [.. parts.SelectMany(part => part.Largest).OrderByDescending(channel => channel.Bytes).Take(LargestKept)]);
}
