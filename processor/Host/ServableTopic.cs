using ReadStateStream.Host.Settings;
using ReadStateStream.Kafka;

namespace ReadStateStream.Host;

/// <summary>Refuses a topic that counts would not be exact from.</summary>
internal static class ServableTopic
{
    /// <summary>Looks at what was found, and at the settings it is to be served with.</summary>
    /// <exception cref="SettingException">It cannot be served from; each reason is a line.</exception>
    public static void Require(TopicFindings found, ProcessorSettings settings)
    {
        if (found.RefusalsFor(settings.Processor.Partitions, settings.Checkpoint.Interval) is { Count: > 0 } refusals)
            throw new SettingException(string.Join(Environment.NewLine, refusals));
    }
}
