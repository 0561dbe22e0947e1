using ReadStateStream.Host.Settings;
using ReadStateStream.Partition.Log;

namespace ReadStateStream.Host.Verbs.Shared;

/// <summary>The event log of a stopped processor, opened to be read: its files stay as they are.</summary>
internal static class StoppedTopic
{
    /// <summary>Opens it; no processor can start meanwhile.</summary>
    /// <exception cref="SettingException">There is none, or the settings are of another.</exception>
    /// <exception cref="IOException">A processor has it open.</exception>
    public static async Task<EmbeddedTopic> OpenAsync(ProcessorSettings settings, VerbSurroundings around)
    {
        _ = ServedLineage.TopicOf(settings);
        try
        {
            return await Task.Run(() => EmbeddedTopic.Open(
                new EmbeddedTopicOptions
                {
                    Folder = ServedLineage.LogFolder(settings), PartitionCount = settings.Processor.Partitions,
                    PartitionCountSetting = "Processor__Partitions", Log = new EmbeddedLogOptions { Disk = UntouchedDisk.Instance },
                },
                around.Time));
        }
        catch (InvalidOperationException refused)
        {
            throw new SettingException(refused.Message);
        }
    }
}
