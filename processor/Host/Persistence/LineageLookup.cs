using ReadStateStream.Host.Settings;
using ReadStateStream.Snapshot.Files;

namespace ReadStateStream.Host.Persistence;

/// <summary>Asks the snapshot store which lineage is served, as long as it takes to answer.</summary>
internal sealed class LineageLookup(ISnapshotStore snapshots, ProcessorSettings settings, TimeProvider time, ILogger logger)
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(2);

    /// <summary>
    /// The lineage, where the snapshot store answers; else a task that goes on asking, so that ingest works meanwhile
    /// and the partitions say what they wait for.
    /// </summary>
    /// <param name="topicIdentity">Of the log.</param>
    /// <param name="isLogWhole">Every partition's log has its first record.</param>
    /// <param name="cancellation">Ends the first attempt.</param>
    /// <param name="stopping">Ends the asking.</param>
    /// <exception cref="SettingException">What the store has does not fit the settings, or is damaged.</exception>
    public async Task<Task<LineageEntry>> FindAsync(string topicIdentity, bool isLogWhole, CancellationToken cancellation, CancellationToken stopping)
    {
        var choice = new LineageChoice(snapshots, settings, isLogWhole);
        try
        {
            return Task.FromResult(await ChooseAsync(choice, topicIdentity, cancellation));
        }
        catch (SnapshotUnavailableException away)
        {
            logger.LineageAwaited(away.Message);
            return AwaitAsync(choice, topicIdentity, stopping);
        }
        catch (SnapshotDamagedException damaged)
        {
            throw new SettingException($"the snapshot store's list of lineages is damaged: {damaged.Message}");
        }
    }

    private async Task<LineageEntry> ChooseAsync(LineageChoice choice, string topicIdentity, CancellationToken cancellation)
    {
        var known = await choice.ChooseAsync(topicIdentity, cancellation).ConfigureAwait(false);
        if (snapshots is FilesSnapshotStore files)
            new KnownSnapshotStore(settings.Processor.DataFolder).Write(await files.ReadStoreIdAsync(cancellation).ConfigureAwait(false));
        logger.LineageServed(known.Number);
        return known;
    }

    private async Task<LineageEntry> AwaitAsync(LineageChoice choice, string topicIdentity, CancellationToken stopping)
    {
        while (true)
        {
            await Task.Delay(Retry, time, stopping).ConfigureAwait(false);
            try
            {
                return await ChooseAsync(choice, topicIdentity, stopping).ConfigureAwait(false);
            }
            catch (SnapshotUnavailableException away)
            {
                logger.LineageAwaited(away.Message);
            }
        }
    }
}
