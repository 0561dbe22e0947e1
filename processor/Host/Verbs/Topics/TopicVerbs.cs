using System.CommandLine;
using ReadStateStream.Host.Settings;
using ReadStateStream.Host.Verbs.Shared;
using ReadStateStream.Kafka;

namespace ReadStateStream.Host.Verbs.Topics;

/// <summary><c>topics create</c> and <c>topics check</c>: the topic and that of its dead letters, on the broker of <c>Kafka__Bootstrap</c>.</summary>
internal static class TopicVerbs
{
    public static Command Create(VerbSurroundings around)
    {
        var replicas = new Option<short>("--replicas") { Description = "Copies of each partition; -1: the broker's default.", DefaultValueFactory = static _ => -1 };
        var create = new Command("create", "Creates the topic and that of its dead letters where they do not exist, with settings that exactness needs; then checks.")
        {
            replicas,
        };
        around.Bind(create, (settings, parsed, _) => CreateAsync(around, settings, parsed.GetValue(replicas)));
        var check = new Command("check", "Says what of the topic would break exactness (exit code 1), and what an operator should know.");
        around.Bind(check, (settings, _, _) => CheckAsync(around, settings));
        return new Command("topics", "Topics of Kafka.") { create, check, RepublishVerb.Create(around) };
    }

    private static async Task<int> CreateAsync(VerbSurroundings around, ProcessorSettings settings, short replicas)
    {
        await using var topic = Open(settings, around);
        foreach (var created in await topic.CreateAsync(settings.Processor.Partitions, replicas)) around.Output.WriteLine($"created {created}");
        return Say(around, settings, await topic.CheckAsync());
    }

    private static async Task<int> CheckAsync(VerbSurroundings around, ProcessorSettings settings)
    {
        await using var topic = Open(settings, around);
        return Say(around, settings, await topic.CheckAsync());
    }

    private static int Say(VerbSurroundings around, ProcessorSettings settings, TopicFindings found)
    {
        var refusals = found.RefusalsFor(settings.Processor.Partitions, settings.Checkpoint.Interval);
        foreach (var refusal in refusals) around.Output.WriteLine($"refused: {refusal}");
        foreach (var warning in found.Warnings) around.Output.WriteLine($"warning: {warning}");
        if (refusals.Count == 0) around.Output.WriteLine($"{settings.Processor.Topic}: {found.Partitions} partitions, can be served from");
        return refusals.Count == 0 ? VerbSurroundings.Fine : VerbSurroundings.Problem;
    }

    /// <summary>The topic of the settings, or another of the same brokers.</summary>
    public static KafkaTopic Open(ProcessorSettings settings, VerbSurroundings around, string? topic = null)
    {
        if (!settings.Kafka.IsUsed) throw new SettingException("Kafka__Bootstrap names no broker");
        try
        {
            return new KafkaTopic(
                settings.Kafka, topic ?? settings.Processor.Topic, settings.Ingest.MaxEventBytes, settings.Ingest.AppendTimeoutMs, around.Time, SilentNotes.Instance);
        }
        catch (KafkaSettingException refused)
        {
            throw new SettingException(refused.Message);
        }
    }

    /// <summary>The topic of the settings, looked at and open.</summary>
    /// <exception cref="SettingException">It cannot be served from.</exception>
    public static async Task<KafkaTopic> OpenCheckedAsync(VerbSurroundings around, ProcessorSettings settings)
    {
        var topic = Open(settings, around);
        try
        {
            ServableTopic.Require(await topic.OpenAsync(), settings);
            return topic;
        }
        catch
        {
            await topic.DisposeAsync();
            throw;
        }
    }
}
