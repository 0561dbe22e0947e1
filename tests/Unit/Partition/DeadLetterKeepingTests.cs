using ReadStateStream.Fold;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Log;
using ReadStateStream.Partition.Query;
using ReadStateStream.Partition.Store;
using ReadStateStream.Schemas.V1;
using Xunit;

namespace ReadStateStream.Unit.Partition;

/// <summary>What cannot be folded is kept apart before its position is passed; what another may own is not answered for.</summary>
public sealed class DeadLetterKeepingTests : IDisposable
{
    private const ulong Channel = 7, Amy = 1, Bob = 2;

    private readonly MemoryLog log = new();
    private readonly Keeper keeper = new();
    private readonly string folder = Directory.CreateTempSubdirectory("readstate-letters-").FullName;
    private readonly StatePartition partition;
    private ulong lastEventId;

    public DeadLetterKeepingTests()
    {
        var store = new StateStore(
            PartitionTester.Small(), StoredPolicy.From(new PolicyOptions()),
            new FileDevice(Path.Combine(folder, "store"), new FileDeviceOptions { DeleteOnClose = true }));
        partition = new StatePartition(
            new PartitionSettings(0, 1, new PolicyOptions(), PartitionTester.Epoch, 3_600_000, TimeProvider.System), log,
            new ReadStateStream.Partition.Recovery.EmptyState(store), deadLetters: keeper);
    }

    public void Dispose()
    {
        partition.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task The_position_passes_a_dead_letter_once_it_is_kept_and_not_before()
    {
        Create();
        StepAll();
        Assert.Equal((PartitionState.Running, 1), (partition.State, partition.Position));
        Send(1);
        log.Append("7"u8.ToArray(), [0xff]);
        Send(2);
        StepAll();
        Assert.Equal(1, partition.Position);
        var (letter, _) = Assert.Single(keeper.Asked);
        Assert.Equal((0, 2L, "Truncated"), (letter[0].Partition, letter[0].Offset, letter[0].Code));
        Assert.Equal([0xff], letter[0].Value);
        Assert.Equal("7"u8.ToArray(), letter[0].Key);
        // What was applied before is answered meanwhile.
        Assert.Equal(0UL, await UnreadAsync());
        keeper.Asked[0].Done.SetResult();
        StepAll();
        Assert.Equal((4, 1), (partition.Position, partition.DeadLetters));
        Assert.Equal(2UL, await UnreadAsync());
        Assert.Single(keeper.Asked);
    }

    [Fact]
    public void A_partition_that_is_given_up_keeps_nothing_waiting()
    {
        Create();
        log.Append("7"u8.ToArray(), [0xff]);
        StepAll();
        partition.Stop();
        Assert.True(keeper.Token.IsCancellationRequested);
        Assert.Equal(0, partition.Position);
    }

    [Fact]
    public async Task Nothing_is_answered_while_another_may_own_it()
    {
        Create();
        Send(1);
        StepAll();
        Assert.Equal(1UL, await UnreadAsync());
        log.IsOwned = false;
        Assert.Equal(PartitionState.Recovering, partition.State);
        await Assert.ThrowsAsync<PartitionUnavailableException>(AskAsync);
        log.IsOwned = true;
        var asked = AskAsync();
        // It is lost between question and answer.
        log.IsOwned = false;
        StepAll();
        await Assert.ThrowsAsync<PartitionUnavailableException>(() => asked);
        log.IsOwned = true;
        Send(2);
        StepAll();
        Assert.Equal(2UL, await UnreadAsync());
    }

    [Fact]
    public void Who_watches_is_told_once_that_another_may_own_it_and_that_none_does()
    {
        List<PartitionState> told = [];
        partition.OnStateChanged = changed => told.Add(changed.State);
        log.IsOwned = false;
        Create();
        StepAll();
        Assert.Equal([PartitionState.Recovering], told);
        log.IsOwned = true;
        StepAll();
        StepAll();
        log.IsOwned = false;
        StepAll();
        StepAll();
        Assert.Equal([PartitionState.Recovering, PartitionState.Running, PartitionState.Recovering], told);
    }

    private void Create() => Append(e => e.ChannelCreated = new ChannelCreated { ChannelId = Channel, Kind = Schemas.V1.ChannelKind.Guild, MemberIds = { Amy, Bob } });

    private void Send(ulong id) => Append(e => e.MessageSent = new MessageSent { ChannelId = Channel, MessageId = id, AuthorId = Bob });

    private void Append(Action<ChannelEvent> fact)
    {
        var e = new ChannelEvent { EventId = ++lastEventId };
        fact(e);
        log.Append($"{Channel}", e);
    }

    private void StepAll()
    {
        while (partition.Step())
        {
        }
    }

    private Task<(IReadOnlyList<Schemas.V1.ReadState> States, PartitionFreshness Freshness)> AskAsync() =>
        partition.GetStatesAsync([new GetStatesRequest.Types.Key { UserId = Amy, ChannelId = Channel }], new BlockedLookup(), 0, default);

    private async Task<ulong> UnreadAsync()
    {
        var asked = AskAsync();
        StepAll();
        return (await asked).States[0].Counts.Unread;
    }

    private sealed class Keeper : IDeadLetters
    {
        public List<(IReadOnlyList<DeadLetter> Letters, TaskCompletionSource Done)> Asked { get; } = [];

        public CancellationToken Token { get; private set; }

        public Task KeepAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancellation)
        {
            Token = cancellation;
            Asked.Add(([.. letters], new TaskCompletionSource()));
            return Asked[^1].Done.Task;
        }
    }
}
