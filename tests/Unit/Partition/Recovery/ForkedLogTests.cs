using ReadStateStream.Fold;
using ReadStateStream.Partition.Recovery;
using ReadStateStream.Schemas.V1;
using Xunit;

namespace ReadStateStream.Unit.Partition.Recovery;

/// <summary>A log that was cut back below what was applied, and has grown again, is another log.</summary>
public class ForkedLogTests
{
    private const ulong Channel = 5, Writer = 1, Reader = 2;

    [Fact]
    public void Rows_of_a_log_that_was_cut_back_stop_the_partition()
    {
        using var product = DurablePartition.WithFiles(new PolicyOptions());
        Send(product, 1, 20);
        product.Checkpoint();
        product.Kill();
        product.Log.CutBack(10);
        Send(product, 101, 120);
        var refused = Assert.Throws<InvalidOperationException>(product.Run).InnerException;
        Assert.IsType<RecoveryRefusedException>(refused);
        Assert.Contains("is another", refused.Message, StringComparison.Ordinal);
        Assert.Contains("processor lineage create", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_intent_of_a_ship_that_was_abandoned_is_enough()
    {
        using var product = DurablePartition.WithFiles(new PolicyOptions());
        Send(product, 1, 5);
        product.Checkpoint();
        Send(product, 6, 20);
        product.BeginShipAndDie();
        // Cut back above what was acknowledged, below what may have been written.
        product.Log.CutBack(10);
        Send(product, 101, 120);
        var refused = Assert.Throws<InvalidOperationException>(product.Run).InnerException;
        Assert.IsType<RecoveryRefusedException>(refused);
        Assert.Contains("may have been shipped", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_shorter_than_its_rows_stops_the_partition()
    {
        using var product = DurablePartition.WithFiles(new PolicyOptions());
        Send(product, 1, 20);
        product.Checkpoint();
        product.Kill();
        product.Log.CutBack(10);
        var refused = Assert.Throws<InvalidOperationException>(product.Run).InnerException;
        Assert.Contains("the log ends at 10", Assert.IsType<RecoveryRefusedException>(refused).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Checkpoints_of_another_log_are_passed_over_and_the_log_is_replayed()
    {
        using var product = DurablePartition.WithoutSnapshots(new PolicyOptions());
        Send(product, 1, 20);
        product.Checkpoint();
        product.Kill();
        product.Log.CutBack(10);
        Send(product, 101, 103);
        product.Run();
        Assert.Equal((RecoverySource.LogStart, 0L, product.Log.EndOffset), product.Said.LastRecovery);
        Assert.Contains(product.Said.PassedOverReasons, reason => reason.Contains("the log ends at", StringComparison.Ordinal));
        Assert.Equal(12UL, Unread(product));
    }

    [Fact]
    public void A_running_partition_notices_at_its_next_checkpoint()
    {
        using var product = DurablePartition.WithoutSnapshots(new PolicyOptions());
        Send(product, 1, 20);
        product.Checkpoint();
        product.Log.CutBack(10);
        Send(product, 101, 120);
        Assert.Throws<ReadStateStream.Partition.Checkpoint.LogForkedException>(product.Checkpoint);
    }

    private static void Send(DurablePartition product, ulong from, ulong to)
    {
        if (product.Log.EndOffset == 0)
            product.Append(new ChannelEvent
            {
                EventId = 1, ChannelCreated = new ChannelCreated { ChannelId = Channel, Kind = Schemas.V1.ChannelKind.Guild, MemberIds = { Writer, Reader } },
            });
        for (var id = from; id <= to; id++)
            product.Append(new ChannelEvent { EventId = 1000 + id, MessageSent = new MessageSent { ChannelId = Channel, MessageId = id, AuthorId = Writer } });
    }

    private static ulong Unread(DurablePartition product) =>
        product.Tester.States([new GetStatesRequest.Types.Key { UserId = Reader, ChannelId = Channel }])[0].Counts.Unread;
}
