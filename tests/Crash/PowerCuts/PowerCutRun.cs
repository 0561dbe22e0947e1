using ReadStateStream.Partition.Recovery;
using ReadStateStream.Unit.Generators;
using ReadStateStream.Unit.Partition;

namespace ReadStateStream.Crash.PowerCuts;

/// <summary>Runs a partition over a traced disk, cuts the power at random operations, and recovers from each image.</summary>
internal sealed class PowerCutRun(int seed, TextWriter output)
{
    private const int ImagesOfOneTrace = 50;
    private const int Logs = 6;
    private const int EventsALog = 250;

    /// <summary>Figures of all images.</summary>
    public CrashRow Row { get; } = new("power cut images");

    /// <summary>What was dropped and torn in all.</summary>
    public string Figures =>
        $"{Row.Kills} images after {dropped.Operations} operations: {dropped.Sectors} sectors dropped, {dropped.Torn} torn, {dropped.Entries} changed entries of folders dropped";

    private (long Operations, long Sectors, long Torn, long Entries) dropped;

    /// <summary>Recovers from so many images.</summary>
    public void Run(int images, Action onImage, CancellationToken cancellation)
    {
        for (var trace = 0; Row.Kills < images && !cancellation.IsCancellationRequested; trace++)
        {
            var many = new InterleavedLogs(900_000 + ((seed + trace) * 100), Logs, EventsALog);
            var log = new MemoryLog();
            var disk = new TracedDisk();
            Live(many, disk, log, new Random(seed + trace));
            for (var image = 0; image < ImagesOfOneTrace && Row.Kills < images; image++)
            {
                Recover(many, disk.Trace, log, (seed + trace) * 1_000 + image);
                onImage();
            }
        }
    }

    /// <summary>Some lives: events, checkpoints that come to their end or not, ships, compaction, restarts.</summary>
    private static void Live(InterleavedLogs many, TracedDisk disk, MemoryLog log, Random random)
    {
        using var product = new TracedPartition(many.Policy.ToOptions(), disk, log, random.Next());
        var events = many.Events().ToList();
        for (var next = 0; next < events.Count;)
        {
            var some = random.Next(1, 150);
            foreach (var record in events.Skip(next).Take(some)) product.Tester.Append(record);
            next += some;
            product.Checkpoint(random.Chance(0.7) ? 10_000 : random.Next(1, 60));
            if (random.Chance(0.15)) product.Kill();
        }
    }

    private void Recover(InterleavedLogs many, List<DiskOperation> trace, MemoryLog log, int imageSeed)
    {
        var random = new Random(imageSeed);
        var cut = new PowerCut(random, random.Chance(0.2) ? TracedPartition.MachineFolder : null);
        // Mostly just before something would be synced: then most of it can be lost.
        var operations = random.Next(1, trace.Count + 1);
        if (random.Chance(0.8))
            while (operations < trace.Count && trace[operations] is not (FileSynced or FolderSynced)) operations++;
        var image = cut.Leave(trace, operations);
        dropped = (
            dropped.Operations + operations, dropped.Sectors + cut.Sectors.Dropped, dropped.Torn + cut.Sectors.Torn, dropped.Entries + cut.EntriesDropped);
        Row.Kills++;
        try
        {
            using var product = new TracedPartition(many.Policy.ToOptions(), image, log, imageSeed);
            product.Tester.Run();
            var (source, position, _) = product.Said.LastRecovery!.Value;
            Row.Note(source);
            Row.PassedOver += product.Said.PassedOverReasons.Count;
            if (position < cut.Promised && product.Said.PassedOverReasons.Count == 0 && product.Notices.Count == 0)
            {
                Row.Silent++;
                output.WriteLine($"power cut {imageSeed} after {operations} operations: recovered at {position}, {cut.Promised} was called durable, and nothing was said");
            }
            else if (position < cut.Promised)
            {
                Row.Below++;
                output.WriteLine($"power cut {imageSeed} after {operations} operations: recovered from {source} at {position} below {cut.Promised}: "
                                 + string.Join("; ", product.Said.PassedOverReasons.Concat(product.Notices)));
            }
            // A life that goes on from there must not trip over what the cut left behind.
            product.Checkpoint(10_000);
            product.Kill();
            Row.Restarts++;
            Compare(many, product, $"power cut {imageSeed} after {operations} operations");
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            Row.Failures++;
            output.WriteLine($"power cut {imageSeed} after {operations} operations: {error}");
        }
    }

    private void Compare(InterleavedLogs many, TracedPartition product, string what)
    {
        product.Tester.Run();
        for (var i = 0; i < many.Logs.Count; i++)
        {
            var oracle = many.Logs[i].Oracle();
            Row.Pairs += (long)oracle.Users.Count * oracle.Channels.Count;
        }
        if (many.FirstDifference(product.Tester) is not { } difference) return;
        var was = Sum(many, product.Tester);
        if (was.Product < was.Oracle) Row.Lost++;
        else if (was.Product > was.Oracle) Row.Twice++;
        else Row.Other++;
        output.WriteLine($"{what}: {difference}");
    }

    private static (ulong Product, ulong Oracle) Sum(InterleavedLogs many, PartitionTester product)
    {
        var sum = (Product: 0UL, Oracle: 0UL);
        for (var i = 0; i < many.Logs.Count; i++)
        {
            var oracle = many.Logs[i].Oracle();
            var map = InterleavedLogs.Map(i);
            var keys = from user in oracle.Users from channel in oracle.Channels select (user, channel);
            foreach (var (user, channel) in keys)
            {
                var key = new Schemas.V1.GetStatesRequest.Types.Key { UserId = map(user), ChannelId = map(channel) };
                sum.Product += product.States([key])[0].Counts?.Unread ?? 0;
                sum.Oracle += oracle.State(user, channel).Counts.Unread;
            }
        }
        return sum;
    }
}
