using ReadStateStream.Partition.Log;

namespace ReadStateStream.Unit.Log;

/// <summary>The embedded log, with pages of 4 KiB and segments of 16 KiB so that every test crosses both.</summary>
public sealed class EmbeddedLogContractTests : EventLogContract
{
    private readonly TopicFolder _folder = new();
    private EmbeddedTopic? _topic;

    protected override Task<IEventPublisher> OpenAsync(int partitions)
    {
        _topic = _folder.Open(partitions: partitions);
        return Task.FromResult<IEventPublisher>(_topic);
    }

    protected override async Task CloseAsync()
    {
        if (_topic is not null) await _topic.DisposeAsync();
        _topic = null;
    }

    protected override IEventLog LogOf(int partition) => _topic!.Partitions[partition];

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }
}
