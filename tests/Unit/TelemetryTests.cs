using System.Diagnostics.Metrics;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Query;
using ReadStateStream.Schemas.V1;
using Xunit;

namespace ReadStateStream.Unit;

public class TelemetryTests
{
    [Fact]
    public void A_partitions_gauges_are_read_until_it_closes_and_its_recordings_have_their_attributes()
    {
        var measured = new List<(string Name, double Value, string Tags)>();
        using var telemetry = new Telemetry();
        using var listener = new MeterListener();
        void Keep(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
            measured.Add((instrument.Name, value, string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))));
        listener.InstrumentPublished = (instrument, to) =>
        {
            if (telemetry.Owns(instrument)) to.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Keep(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Keep(instrument, value, tags));

        var partition = telemetry.AddPartition(new Lagging(), new LogNames("embedded", "events", "lineage-256"), () => 4_096);
        listener.Start();
        listener.RecordObservableInstruments();
        const string at = "messaging.destination.partition.id=3";
        Assert.Contains(("readstate.partition.lag", 12, at), measured);
        Assert.Contains(("readstate.partition.lag.duration", 1.5, at), measured);
        Assert.Contains(("readstate.partition.position", 77, at), measured);
        Assert.Contains(("readstate.partition.state", (double)PartitionState.Running, at), measured);
        Assert.Contains(("readstate.store.memory", 4_096, at), measured);

        measured.Clear();
        partition.RecordConsumed(5);
        partition.RecordPending(2);
        foreach (var stage in Enum.GetValues<Stage>()) partition.RecordStage(stage, TimeSpan.FromMilliseconds(2));
        partition.RecordProcess(TimeSpan.FromSeconds(1));
        const string log = "messaging.system=embedded messaging.destination.name=events messaging.operation.name=";
        Assert.Contains(("messaging.client.consumed.messages", 5, log + "poll messaging.consumer.group.name=lineage-256 " + at), measured);
        Assert.Contains(("messaging.process.duration", 1, log + "process messaging.consumer.group.name=lineage-256 " + at), measured);
        Assert.Contains(("readstate.store.pending_operations", 2, at), measured);
        foreach (var stage in new[] { "decode", "prefetch", "apply", "query", "append" })
            Assert.Contains(("readstate.stage.duration", 0.002, $"stage={stage} {at}"), measured);

        measured.Clear();
        partition.Dispose();
        listener.RecordObservableInstruments();
        Assert.DoesNotContain(measured, m => m.Tags == at);
    }

    [Fact]
    public void Recording_allocates_nothing()
    {
        using var telemetry = new Telemetry();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, to) =>
        {
            if (telemetry.Owns(instrument)) to.EnableMeasurementEvents(instrument);
        };
        var (count, sum) = (0L, 0.0);
        listener.SetMeasurementEventCallback<long>((_, value, _, _) => count += value);
        listener.SetMeasurementEventCallback<double>((_, value, _, _) => sum += value);
        listener.Start();
        using var partition = telemetry.AddPartition(new Lagging(), new LogNames("embedded", "events", "lineage-256"), () => 0);
        void Record()
        {
            partition.RecordConsumed(1);
            partition.RecordProcess(TimeSpan.FromMilliseconds(1));
            partition.RecordStage(Stage.Apply, TimeSpan.FromMilliseconds(1));
        }
        for (var warm = 0; warm < 100; warm++) Record();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1_000; i++) Record();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(count >= 1_100 && sum > 2);
    }

    private sealed class Lagging : IPartitionQueries
    {
        public int Number => 3;
        public PartitionState State => PartitionState.Running;
        public long Position => 77;
        public long LagEvents => 12;
        public long LagMs => 1_500;
        public int DeadLetters => 0;

        public Task<(IReadOnlyList<ReadState> States, PartitionFreshness Freshness)> GetStatesAsync(
            IReadOnlyList<GetStatesRequest.Types.Key> keys, BlockedLookup blocked, long atLeast, CancellationToken cancellation) =>
            throw new NotSupportedException();

        public Task<GetUserResponse> GetUserAsync(GetUserRequest request, BlockedLookup blocked, long atLeast, CancellationToken cancellation) =>
            throw new NotSupportedException();

        public Task<BlockedUsers> GetBlockedUsersAsync(ulong user, long atLeast, CancellationToken cancellation) =>
            throw new NotSupportedException();
    }
}
