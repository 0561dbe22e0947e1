using ReadStateStream.Host.Persistence;
using ReadStateStream.Host.Settings;
using ReadStateStream.Host.Verbs.Topics;
using ReadStateStream.Partition.Log;

namespace ReadStateStream.Host.Verbs.Shared;

/// <summary>The log of the settings, embedded or a broker's, for a tool that reads all of it.</summary>
/// <param name="TopicIdentity">Identity of its topic.</param>
/// <param name="LogOf">The log of a partition.</param>
/// <param name="Owner">Disposed of at the end.</param>
/// <param name="StoreLock">Released then; null: the log's own lock keeps processors away.</param>
internal sealed record StoppedLogs(string TopicIdentity, Func<int, IEventLog> LogOf, IAsyncDisposable Owner, FileStream? StoreLock) : IAsyncDisposable
{
    /// <summary>Opens it.</summary>
    /// <exception cref="SettingException">There is none, or the settings are of another.</exception>
    /// <exception cref="IOException">A processor has it open, or the broker does not answer.</exception>
    public static async Task<StoppedLogs> OpenAsync(ProcessorSettings settings, VerbSurroundings around)
    {
        if (settings.Kafka.IsUsed)
        {
            var store = LockStore(settings);
            try
            {
                var topic = await TopicVerbs.OpenCheckedAsync(around, settings);
                return new StoppedLogs(topic.Publisher.TopicIdentity, topic.OpenStopped, topic, store);
            }
            catch
            {
                store?.Dispose();
                throw;
            }
        }
        var embedded = await StoppedTopic.OpenAsync(settings, around);
        return new StoppedLogs(embedded.TopicIdentity, number => embedded.Partitions[number].Refusal is { } damaged ? throw damaged : embedded.Partitions[number], embedded, null);
    }

    /// <summary>Keeps a processor off this machine's stores of a topic on a broker; null where there are none.</summary>
    /// <exception cref="IOException">A processor works on them.</exception>
    public static FileStream? LockStore(ProcessorSettings settings) =>
        Directory.Exists(settings.Processor.DataFolder) ? StoreFolders.Lock(settings.Processor.DataFolder) : null;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Owner.DisposeAsync();
        if (StoreLock is not null) await StoreLock.DisposeAsync();
    }
}
