using System.Collections;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Query;
using ReadStateStream.Schemas.V1;
using Xunit;
using static ReadStateStream.Unit.Partition.Chat;

namespace ReadStateStream.Unit.Partition;

/// <summary>Questions take turns with records and with the worker's other partitions.</summary>
public class QuestionBoundTests
{
    /// <summary>Far more than the time of one turn answers.</summary>
    private const int Callers = 200_000;

    [Fact]
    public void Callers_who_ask_again_at_once_do_not_keep_records_from_being_folded()
    {
        using var chat = new Chat().Created(members: [Amy, Bob]);
        var partition = chat.Product.Partitions[0];
        chat.Product.Run();
        var callers = new AskingAgain(partition, Callers);
        callers.Ask();
        chat.Sent(1);
        var before = partition.Position;
        while (partition.Position == before) partition.Step();
        // The step that folds the message is over although somebody still asks.
        Assert.InRange(callers.Left, 1, Callers - 1);
    }

    /// <summary>A question's only key; the writer's look at it is the moment at which the next caller asks.</summary>
    private sealed class AskingAgain(StatePartition partition, int left) : IReadOnlyList<GetStatesRequest.Types.Key>
    {
        private readonly int writer = Environment.CurrentManagedThreadId;

        public int Left { get; private set; } = left;

        public int Count => 1;

        public GetStatesRequest.Types.Key this[int index]
        {
            get
            {
                if (Environment.CurrentManagedThreadId == writer && Left > 0)
                {
                    Left--;
                    Ask();
                }
                return new GetStatesRequest.Types.Key { UserId = Amy, ChannelId = Channel };
            }
        }

        public void Ask() => _ = partition.GetStatesAsync(this, new BlockedLookup(), 0, CancellationToken.None);

        public IEnumerator<GetStatesRequest.Types.Key> GetEnumerator() => throw new NotSupportedException();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
