// Which lineage this process serves: the greatest one whose identity is that of the settings. Another identity for
// the same data means other rows, which must not mix with these: refused, with the way out.
using ReadStateStream.Fold;
using ReadStateStream.Host.Settings;

namespace ReadStateStream.Host.Persistence;

/// <summary>Finds or creates the lineage of a topic.</summary>
/// <param name="snapshots">Where lineages are numbered.</param>
/// <param name="settings">What states are computed under.</param>
/// <param name="isLogWhole">Every partition's log has its first record: what a new lineage is computed from.</param>
public sealed class LineageChoice(ISnapshotStore snapshots, ProcessorSettings settings, bool isLogWhole = true)
{
    /// <summary>What answers need beside the rows.</summary>
    public AnswerSettings Answers { get; } =
        new(settings.Policy, settings.EventIds.EpochUnixMs, settings.PartitionStore.MaxValueBytes);

    /// <summary>What rows of this topic are computed from under these settings.</summary>
    public LineageIdentity IdentityOf(string topic) => new(
        topic, settings.Processor.Partitions, FoldVersion.Current,
        StoredPolicy.From(settings.Policy).Describe(settings.PartitionStore.MaxValueBytes));

    /// <summary>The lineage to serve; the first one of an empty snapshot store is created.</summary>
    /// <exception cref="SettingException">Only lineages of other identities exist, or none and the log was cut; the message names the way out.</exception>
    /// <exception cref="SnapshotUnavailableException">The store does not answer.</exception>
    public async Task<LineageEntry> ChooseAsync(string topic, CancellationToken cancellation)
    {
        var identity = IdentityOf(topic);
        var all = await snapshots.ListLineagesAsync(cancellation).ConfigureAwait(false);
        var chosen = all.LastOrDefault(lineage => lineage.Identity == identity);
        if (chosen is not null)
        {
            if (!Same(chosen.Answers, Answers)) await snapshots.DescribeLineageAsync(chosen.Number, Answers, cancellation).ConfigureAwait(false);
            return chosen;
        }
        if (all.Count > 0) throw new SettingException(Difference(all[^1], identity));
        if (!isLogWhole)
            throw new SettingException(
                "the snapshot store has no lineage, and a new one needs the log's first record, which Processor__LogRetentionHours let go: "
                + "set Snapshot__Store and Snapshot__Folder (or, with 'none', the folder 'lineages' in Processor__DataFolder) to where the lineage is, "
                + "or begin with an empty data folder and publish the events again");
        return await snapshots.CreateLineageAsync(identity, Answers, cancellation).ConfigureAwait(false);
    }

    private static bool Same(AnswerSettings one, AnswerSettings other) =>
        System.Text.Json.JsonSerializer.Serialize(one) == System.Text.Json.JsonSerializer.Serialize(other);

    private static string Difference(LineageEntry existing, LineageIdentity wanted)
    {
        var was = existing.Identity;
        var (what, before, now) =
            was.Topic != wanted.Topic ? ("topic", was.Topic, wanted.Topic)
            : was.Partitions != wanted.Partitions ? ("partition count", was.Partitions.ToString(null as IFormatProvider), wanted.Partitions.ToString(null as IFormatProvider))
            : was.FoldVersion != wanted.FoldVersion ? ("fold version", was.FoldVersion.ToString(null as IFormatProvider), wanted.FoldVersion.ToString(null as IFormatProvider))
            : ("stored policy", was.Stored, wanted.Stored);
        return $"lineage {existing.Number} was computed with the {what} '{before}', not '{now}', and its rows must not mix with others: "
               + "set it back, or begin a new lineage, rebuilt from the log's first record, with 'processor lineage create'";
    }
}
