using ReadStateStream.Host.Settings;
using ReadStateStream.Partition.Recovery;
using ReadStateStream.Snapshot.Disk;

namespace ReadStateStream.Host.Persistence;

/// <summary>Recovers a partition once the lineage is known, which takes the snapshot store's word.</summary>
/// <param name="lineage">The lineage, or the wait for it.</param>
/// <param name="before">Awaited before each recovery; null: nothing.</param>
/// <param name="turns">As many recoveries at once as there are processors: more would only read across each other.</param>
/// <param name="recoveryOf">Recovers under a lineage.</param>
internal sealed class LineageRecovery(
    Task<LineageEntry> lineage, Func<CancellationToken, Task>? before, SemaphoreSlim turns, Func<LineageEntry, IStateRecovery> recoveryOf) : IStateRecovery
{
    /// <summary>
    /// On a thread of its own. Not on the caller's, which folds other partitions meanwhile: a folder answers at once, and what is read
    /// from it takes long. And not on the pool's few, which answer questions.
    /// </summary>
    public Task<RecoveredState> RecoverAsync(Exception? failure, CancellationToken cancellation) =>
        BackgroundThread.RunAsync("recovery", () => Recover(failure, cancellation), cancellation);

    // Waits where it could await: what follows is to stay on this thread.
    private RecoveredState Recover(Exception? failure, CancellationToken cancellation)
    {
        LineageEntry known;
        try
        {
            known = lineage.WaitAsync(cancellation).GetAwaiter().GetResult();
        }
        catch (SettingException refused)
        {
            throw new RecoveryRefusedException(refused.Message);
        }
        before?.Invoke(cancellation).GetAwaiter().GetResult();
        turns.Wait(cancellation);
        try
        {
            return recoveryOf(known).RecoverAsync(failure, cancellation).GetAwaiter().GetResult();
        }
        finally
        {
            turns.Release();
        }
    }
}
