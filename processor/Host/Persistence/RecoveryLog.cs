using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Recovery;

namespace ReadStateStream.Host.Persistence;

/// <summary>Says what recoveries, checkpoints and ships do.</summary>
internal sealed class RecoveryLog(ILogger logger, Action wake) : IRecoveryObserver
{
    public void Waiting(int partition, Exception why) => logger.SnapshotAwaited(partition, why.Message);

    public void PassedOver(int partition, RecoverySource source, long position, string why) =>
        logger.CandidatePassedOver(partition, source, position, why);

    public void ImagePassedOver(int partition, long position, string why) => logger.IndexImagePassedOver(partition, position, why);

    public void ImageUsed(int partition, long position, long scanned) => logger.IndexImageUsed(partition, position, scanned);

    public void Recovered(int partition, RecoverySource source, long position, long replay, TimeSpan took) =>
        logger.Recovered(partition, source, position, replay, took.TotalSeconds);

    public void Assembled(int partition, PartitionPersistence persistence)
    {
        persistence.Checkpointer.OnEnded = (manifest, error) =>
        {
            if (manifest is not null) logger.CheckpointTaken(partition, manifest.Sequence, manifest.Mark.Position, manifest.Fold.Tail - manifest.Fold.Begin);
            else logger.CheckpointGivenUp(partition, error!.Message);
        };
        persistence.Images.OnEnded = (image, error) =>
        {
            if (image is not null) logger.IndexImageTaken(partition, image.Number, image.Entries, image.Bytes);
            else logger.IndexImageGivenUp(partition, error!.Message);
        };
        persistence.Shipper.OnEnded = (manifest, rows, error) =>
        {
            if (error is null) logger.Shipped(partition, rows, manifest.Mark.Position);
            else logger.ShipGivenUp(partition, manifest.Mark.Position, error.Message);
        };
        if (persistence.Retention is { } retention) retention.OnFailed = error => logger.LogNotCut(partition, error.Message);
        persistence.Device.OnStuckChanged = stuck =>
        {
            if (stuck is null) logger.StoreWritesAgain(partition);
            else logger.StoreStuck(partition, stuck.Error.Message);
            wake();
        };
    }
}
