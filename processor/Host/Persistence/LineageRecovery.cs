using ReadStateStream.Host.Settings;
using ReadStateStream.Partition.Recovery;

namespace ReadStateStream.Host.Persistence;

/// <summary>Recovers a partition once the lineage is known, which takes the snapshot store's word.</summary>
internal sealed class LineageRecovery(Task<LineageEntry> lineage, Func<LineageEntry, IStateRecovery> recoveryOf) : IStateRecovery
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
        return await recoveryOf(known).RecoverAsync(failure, cancellation).ConfigureAwait(false);
    }
}
