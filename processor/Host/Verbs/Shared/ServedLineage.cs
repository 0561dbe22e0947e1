using ReadStateStream.Host.Persistence;
using ReadStateStream.Host.Settings;
using ReadStateStream.Kafka;
using ReadStateStream.Partition.Log;

namespace ReadStateStream.Host.Verbs.Shared;

/// <summary>Which lineage a start with these settings would serve. Nothing is created or changed.</summary>
internal static class ServedLineage
{
    /// <summary>Folder of the event log.</summary>
    public static string LogFolder(ProcessorSettings settings) => Path.Combine(settings.Processor.DataFolder, "log");

    /// <summary>Identity of the topic: the broker's, or that of the data folder.</summary>
    /// <exception cref="SettingException">There is no topic.</exception>
    public static string TopicOf(ProcessorSettings settings) => settings.Kafka.IsUsed
        ? KafkaTopic.IdentityOf(settings.Processor.Topic)
        : EmbeddedTopic.IdentityIn(LogFolder(settings)) ?? throw new SettingException(
            $"Processor__DataFolder '{settings.Processor.DataFolder}' holds no event log: no processor was ever started on it");

    /// <summary>The snapshot store as one who only reads opens it.</summary>
    public static ISnapshotStore OpenForReading(ProcessorSettings settings, VerbSurroundings around) => SnapshotStores.Open(
        settings,
        SnapshotStores.FilesOf(settings) with
        {
            CreateIfNew = false, Disk = UntouchedDisk.Instance,
            Notice = notice => around.Error.WriteLine($"snapshot of partition {notice.Partition.Number}, {notice.Kind}: {notice.Detail}"),
        },
        around.Time);

    /// <summary>The lineage that would be served; null where none is of these settings.</summary>
    public static LineageEntry? Of(ProcessorSettings settings, ISnapshotStore snapshots, IReadOnlyList<LineageEntry> all)
    {
        var identity = new LineageChoice(snapshots, settings).IdentityOf(TopicOf(settings));
        return all.LastOrDefault(lineage => lineage.Identity == identity);
    }

    /// <summary>The lineage asked for, else the one that would be served.</summary>
    /// <exception cref="SettingException">There is none such.</exception>
    public static async Task<LineageEntry> ChooseAsync(
        ProcessorSettings settings, ISnapshotStore snapshots, long? asked, CancellationToken cancellation)
    {
        var all = await snapshots.ListLineagesAsync(cancellation);
        var listed = all.Count == 0 ? "there is none" : "there are " + string.Join(", ", all.Select(lineage => lineage.Number));
        if (asked is { } number)
            return all.FirstOrDefault(lineage => lineage.Number == number) ?? throw new SettingException($"--lineage {number} is not there; {listed}");
        return Of(settings, snapshots, all) ?? throw new SettingException(
            $"no lineage is of these settings ({listed}; 'processor lineage list' shows them): give the settings of the processor, or --lineage");
    }

    /// <summary>The same where only the number matters, also of a lineage that the snapshot store no longer knows.</summary>
    public static async Task<long> NumberAsync(ProcessorSettings settings, VerbSurroundings around, long? asked, CancellationToken cancellation)
    {
        if (asked is { } number) return number;
        await using var snapshots = OpenForReading(settings, around);
        return (await ChooseAsync(settings, snapshots, null, cancellation)).Number;
    }
}
