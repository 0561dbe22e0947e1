using ReadStateStream.Host.Settings;
using ReadStateStream.Host.Verbs.Topics;
using ReadStateStream.Partition.Log;

namespace ReadStateStream.Host.Verbs.Shared;

/// <summary>The log of the settings, embedded or a broker's, for a tool that reads all of it.</summary>
/// <param name="TopicIdentity">Identity of its topic.</param>
/// <param name="LogOf">The log of a partition.</param>
/// <param name="Owner">Disposed of at the end.</param>
internal sealed record StoppedLogs(string TopicIdentity, Func<int, IEventLog> LogOf, IAsyncDisposable Owner) : IAsyncDisposable
{
    /// <summary>Opens it.</summary>
    /// <exception cref="SettingException">There is none, or the settings are of another.</exception>
    /// <exception cref="IOException">A processor has it open, or the broker does not answer.</exception>
    public static async Task<StoppedLogs> OpenAsync(ProcessorSettings settings, VerbSurroundings around)
    {
        if (settings.Kafka.IsUsed)
        {
            var topic = await TopicVerbs.OpenCheckedAsync(around, settings);
            return new StoppedLogs(topic.Publisher.TopicIdentity, topic.OpenStopped, topic);
        }
        var embedded = await StoppedTopic.OpenAsync(settings, around);
        return new StoppedLogs(embedded.TopicIdentity, number => embedded.Partitions[number].Refusal is { } damaged ? throw damaged : embedded.Partitions[number], embedded);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Owner.DisposeAsync();
}
