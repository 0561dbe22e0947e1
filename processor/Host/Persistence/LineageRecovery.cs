using ReadStateStream.Host.Settings;
using ReadStateStream.Partition.Recovery;

namespace ReadStateStream.Host.Persistence;

/// <summary>Recovers a partition once the lineage is known, which takes the snapshot store's word.</summary>
/// <param name="lineage">The lineage, or the wait for it.</param>
/// <param name="before">Awaited before each recovery; null: nothing.</param>
/// <param name="recoveryOf">Recovers under a lineage.</param>
internal sealed class LineageRecovery(
    Task<LineageEntry> lineage, Func<CancellationToken, Task>? before, Func<LineageEntry, IStateRecovery> recoveryOf) : IStateRecovery
{
    public async Task<RecoveredState> RecoverAsync(Exception? failure, CancellationToken cancellation)
    {
        LineageEntry known;
        try
        {
            known = await lineage.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (SettingException refused)
        {
            throw new RecoveryRefusedException(refused.Message);
        }
        if (before is not null) await before(cancellation).ConfigureAwait(false);
        return await recoveryOf(known).RecoverAsync(failure, cancellation).ConfigureAwait(false);
    }
}
