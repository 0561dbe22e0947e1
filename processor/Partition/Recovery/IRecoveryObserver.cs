using ReadStateStream.Partition.Checkpoint;

namespace ReadStateStream.Partition.Recovery;

/// <summary>Told what a recovery does, so that it can be said: nothing is passed over in silence. From any thread.</summary>
public interface IRecoveryObserver
{
    /// <summary>The snapshot store does not answer; it is waited for.</summary>
    void Waiting(int partition, Exception why);

    /// <summary>A candidate cannot be trusted; position -1: not even its position is known.</summary>
    void PassedOver(int partition, RecoverySource source, long position, string why);

    /// <summary>The index image of a checkpoint cannot be used; the same checkpoint is opened by a scan of its record log.</summary>
    void ImagePassedOver(int partition, long position, string why);

    /// <summary>A checkpoint was opened by its index image; so many bytes of its record log were scanned.</summary>
    void ImageUsed(int partition, long position, long scanned);

    /// <summary>A state was recovered; so many records of the log are to be applied to it.</summary>
    void Recovered(int partition, RecoverySource source, long position, long replay, TimeSpan took);

    /// <summary>What makes the state outlive the process was put together, before any of it works.</summary>
    void Assembled(int partition, PartitionPersistence persistence);
}
