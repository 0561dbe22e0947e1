using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Recovery;

namespace ReadStateStream.Benchmarks.Durable;

/// <summary>Keeps the source and the position of the last recovery; a candidate that is passed over fails the run.</summary>
internal sealed class NoSurprises : IRecoveryObserver
{
    /// <summary>What a partition was recovered from last, the position, records of the log to replay, and the time it took.</summary>
    public (RecoverySource Source, long Position, long Replay, TimeSpan Took) Last { get; private set; }

    /// <summary>Bytes of record log that the last recovery by an index image scanned; null where none was used.</summary>
    public long? Scanned { get; private set; }

    public void Waiting(int partition, Exception why) => throw new InvalidOperationException("the snapshot store does not answer", why);

    public void PassedOver(int partition, RecoverySource source, long position, string why) =>
        throw new InvalidOperationException($"{source} {position} was passed over: {why}");

    public void ImagePassedOver(int partition, long position, string why) =>
        throw new InvalidOperationException($"the index image of {position} was passed over: {why}");

    public void ImageUsed(int partition, long position, long scanned) => Scanned = scanned;

    public void Recovered(int partition, RecoverySource source, long position, long replay, TimeSpan took) => Last = (source, position, replay, took);

    public void Assembled(int partition, PartitionPersistence persistence)
    {
    }
}
