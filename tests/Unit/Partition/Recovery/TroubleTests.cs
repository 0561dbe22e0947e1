using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Recovery;
using ReadStateStream.Partition.Store;
using ReadStateStream.Schemas.V1;
using ReadStateStream.Unit.Generators;
using Xunit;

namespace ReadStateStream.Unit.Partition.Recovery;

/// <summary>A full disk, a snapshot store that is away: it is said, nothing is lost, and it goes on by itself.</summary>
public class TroubleTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void A_snapshot_store_that_is_away_at_recovery_is_waited_for_and_never_taken_for_an_empty_one()
    {
        var many = new InterleavedLogs(75_000, 5, 200);
        using var product = DurablePartition.WithFiles(many.Policy.ToOptions());
        foreach (var record in many.Events()) product.Tester.Append(record);
        product.Checkpoint();
        var position = product.Partition.Position;
        product.Kill();
        product.LoseMachine();
        product.SnapshotDisk.IsAway = true;
        while (product.Said.Waits < 2)
        {
            product.Partition.Step();
            Assert.Equal(PartitionState.Initializing, product.Partition.State);
            product.Time.Advance(Second);
        }
        product.SnapshotDisk.IsAway = false;
        product.Run();
        Assert.Equal((RecoverySource.Snapshot, position, 0L), product.Said.LastRecovery);
        Assert.Null(many.FirstDifference(product.Tester));
    }

    [Fact]
    public void What_could_not_be_shipped_is_shipped_as_one_when_the_store_is_back()
    {
        var many = new InterleavedLogs(76_000, 5, 300);
        using var product = DurablePartition.WithFiles(many.Policy.ToOptions());
        var events = many.Events().ToList();
        product.Run();
        product.SnapshotDisk.IsAway = true;
        for (var next = 0; next < events.Count; next += 300)
        {
            foreach (var record in events.Skip(next).Take(300)) product.Tester.Append(record);
            product.CheckpointWithoutShip();
        }
        var persistence = product.Partition.Persistence!;
        Assert.True(persistence.Checkpointer.Completed >= 4);
        Assert.NotNull(persistence.Shipper.LastError);
        Assert.True(persistence.Shipper.BacklogEvents > 0 && persistence.Shipper.BacklogBytes > 0);
        Assert.Equal(0, persistence.Shipper.Figures.Ships);
        // What may be committed in the log waits for the rows; without a store that keeps rows it would not.
        Assert.Equal(persistence.Shipper.Shipped.Position, persistence.CommittablePosition(snapshotKeepsRows: true));
        Assert.Equal(product.Partition.Position, persistence.CommittablePosition(snapshotKeepsRows: false));
        product.SnapshotDisk.IsAway = false;
        product.SettleBeside();
        Assert.Equal(1, persistence.Shipper.Figures.Ships);
        Assert.Equal(product.Partition.Position, persistence.Shipper.Shipped.Position);
        product.Kill();
        product.LoseMachine();
        product.Run();
        Assert.Equal(RecoverySource.Snapshot, product.Said.LastRecovery!.Value.Source);
        Assert.Null(many.FirstDifference(product.Tester));
    }

    [Fact]
    public void A_read_that_fails_while_a_ship_gathers_its_rows_never_leaves_one_out()
    {
        var many = new InterleavedLogs(76_500, 4, 150);
        var failed = 0;
        for (var reads = 0; ; reads++)
        {
            using var product = DurablePartition.WithFiles(many.Policy.ToOptions(), PartitionTester.Tiny());
            foreach (var record in many.Events()) product.Tester.Append(record);
            product.Run();
            var persistence = product.Partition.Persistence!;
            while (!persistence.Checkpointer.IsIdle) persistence.Checkpointer.Step();
            persistence.Checkpointer.Begin(product.Partition.Position);
            while (!persistence.Checkpointer.IsIdle) persistence.Checkpointer.Step();
            product.MachineDisk.ReadsUntilAway = reads;
            var met = ShipThrough(product, persistence.Shipper);
            if (met == 0) break;
            failed += met;
            var position = product.Partition.Position;
            product.Kill();
            product.LoseMachine();
            product.Run();
            Assert.Equal((RecoverySource.Snapshot, position, 0), product.Said.LastRecovery!.Value);
            Assert.Null(many.FirstDifference(product.Tester));
        }
        Assert.True(failed > 20, $"{failed} reads failed");
    }

    /// <summary>Steps it until it has shipped, also after an error of which the writer has not heard yet; how often one came.</summary>
    private static int ShipThrough(DurablePartition product, Shipper shipper)
    {
        var met = 0;
        while (shipper.BacklogEvents > 0)
        {
            try
            {
                if (!shipper.Step()) product.Time.Advance(Second);
            }
            catch (DamageException)
            {
                met++;
                product.MachineDisk.IsAway = false;
            }
        }
        return met;
    }

    [Fact]
    public void What_threw_beside_the_writer_is_not_stepped_again_until_the_partition_has_recovered()
    {
        var many = new InterleavedLogs(76_600, 4, 150);
        using var product = DurablePartition.WithFiles(many.Policy.ToOptions(), PartitionTester.Tiny());
        foreach (var record in many.Events()) product.Tester.Append(record);
        product.CheckpointWithoutShip();
        var persistence = product.Partition.Persistence!;
        product.MachineDisk.IsAway = true;
        var error = Assert.Throws<DamageException>(void () =>
        {
            while (true)
                if (!persistence.Step()) product.Time.Advance(Second);
        });
        product.MachineDisk.IsAway = false;
        Assert.False(persistence.IsHopeful);
        for (var i = 0; i < 100; i++)
        {
            product.Time.Advance(Second);
            Assert.False(persistence.Step());
        }
        product.Partition.FailBeside(error);
        product.Partition.Step();
        product.AwaitRecovery();
        product.SettleBeside();
        Assert.Equal(product.Partition.Position, product.Partition.Persistence!.Shipper.Shipped.Position);
        Assert.Null(many.FirstDifference(product.Tester));
    }

    [Fact]
    public void A_full_disk_holds_the_partition_which_answers_meanwhile_and_goes_on_by_itself()
    {
        var many = new InterleavedLogs(77_000, 5, 400);
        using var product = DurablePartition.WithoutSnapshots(many.Policy.ToOptions(), PartitionTester.Tiny());
        product.Log.BatchMax = 4;
        foreach (var record in many.Events()) product.Tester.Append(record);
        while (product.Partition.Position < 300) product.Partition.Step();
        product.MachineDisk.IsFull = true;
        while (product.Partition.Persistence!.Device.Stuck is null) product.Partition.Step();
        Assert.True(product.Partition.Persistence.Device.Stuck!.IsDiskFull);
        var held = product.Partition.Position;
        for (var i = 0; i < 100; i++)
        {
            product.Partition.Step();
            // At once: what is admitted all the same soon waits for room for ever.
            Assert.Equal(held, product.Partition.Position);
            product.Time.Advance(Second);
        }
        Assert.Equal(PartitionState.Recovering, product.Partition.State);
        product.MachineDisk.IsFull = false;
        product.Time.Advance(Second);
        product.Partition.Persistence.Device.TryComplete();
        product.Run();
        Assert.Null(product.Partition.Failure);
        Assert.Null(many.FirstDifference(product.Tester));
    }

    [Fact]
    public void A_disk_that_is_full_during_a_checkpoint_gives_it_up_and_the_next_one_covers_it()
    {
        var many = new InterleavedLogs(78_000, 5, 200);
        using var product = DurablePartition.WithoutSnapshots(many.Policy.ToOptions());
        foreach (var record in many.Events()) product.Tester.Append(record);
        product.Run();
        var checkpointer = product.Partition.Persistence!.Checkpointer;
        checkpointer.Begin(product.Partition.Position);
        product.MachineDisk.IsFull = true;
        for (var i = 0; i < 10 && !checkpointer.IsIdle; i++) checkpointer.Step();
        product.Time.Advance(TimeSpan.FromMinutes(2));
        while (!checkpointer.IsIdle) checkpointer.Step();
        Assert.Null(checkpointer.Newest);
        Assert.NotNull(checkpointer.LastError);
        Assert.True(checkpointer.Due(product.Partition.Position));
        product.MachineDisk.IsFull = false;
        product.Partition.Persistence.Device.TryComplete();
        product.Checkpoint();
        product.Kill();
        product.Run();
        Assert.Equal(RecoverySource.Checkpoint, product.Said.LastRecovery!.Value.Source);
        Assert.Null(many.FirstDifference(product.Tester));
    }

    [Fact]
    public void A_log_that_never_reaches_the_disk_is_reported_as_overdue()
    {
        var many = new InterleavedLogs(79_000, 2, 200);
        using var product = DurablePartition.WithoutSnapshots(many.Policy.ToOptions(), options: new CheckpointOptions { DeadlineSeconds = 10 });
        foreach (var record in many.Events()) product.Tester.Append(record);
        product.Run();
        product.MachineDisk.IsFull = true;
        var checkpointer = product.Partition.Persistence!.Checkpointer;
        checkpointer.Begin(product.Partition.Position);
        for (var i = 0; i < 5; i++) checkpointer.Step();
        Assert.False(checkpointer.IsIdle);
        product.Time.Advance(TimeSpan.FromSeconds(11));
        checkpointer.Step();
        Assert.Equal(1, checkpointer.Overdue);
        Assert.Contains("No space left", Assert.IsType<CheckpointOverdueException>(checkpointer.LastError).Message, StringComparison.Ordinal);
    }
}
