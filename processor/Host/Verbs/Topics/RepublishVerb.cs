using System.CommandLine;
using ReadStateStream.Host.Settings;
using ReadStateStream.Host.Verbs.DeadLetters;
using ReadStateStream.Host.Verbs.Shared;
using ReadStateStream.Kafka;

namespace ReadStateStream.Host.Verbs.Topics;

/// <summary>
/// <c>topics republish</c>: the log once more, in a topic of another partition count. Of a key all records keep their order, and
/// each its event id. What has to do with places in the old topic stays behind: control records, and the dead letters that they
/// settled. Outstanding ones come along: in the new topic they are dead letters again, or not, where only their partition was wrong.
/// </summary>
internal static class RepublishVerb
{
    private static readonly Option<string> To = new("--to") { Description = "Name of the new topic; it must not exist", Required = true };
    private static readonly Option<int> Partitions = new("--partitions") { Description = "Its partitions", Required = true };
    private static readonly Option<short> Replicas = new("--replicas") { Description = "Copies of each; -1: the broker's default", DefaultValueFactory = static _ => -1 };

    public static Command Create(VerbSurroundings around)
    {
        var command = new Command("republish", "Copies the log, as it is now, into a new topic of another partition count.") { To, Partitions, Replicas };
        around.Bind(command, (settings, parsed, cancellation) => RunAsync(
            around, settings, parsed.GetRequiredValue(To), parsed.GetRequiredValue(Partitions), parsed.GetValue(Replicas), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(
        VerbSurroundings around, ProcessorSettings settings, string target, int partitions, short replicas, CancellationToken cancellation)
    {
        if (partitions is < 1 or > 1_024) throw new SettingException("--partitions must be 1 .. 1,024");
        await using var source = TopicVerbs.Open(settings, around);
        var found = await source.OpenAsync();
        if (found.Partitions == 0) throw new SettingException(found.Refusals[0]);
        if (!source.IsWhole()) throw new SettingException($"'{settings.Processor.Topic}' no longer has its first records: what is counted from it would be another");
        await using var copied = TopicVerbs.Open(settings, around, target);
        if ((await copied.CheckAsync()).Partitions != 0) throw new SettingException($"the topic '{target}' exists already");
        var letters = await DeadLetterBook.ReadAsync(around, source, found.Partitions, cancellation);
        var settled = letters.Where(static one => one.Outcome != BookedLetter.Outstanding).Select(static one => (one.Kept.Letter.Partition, one.Kept.Letter.Offset)).ToHashSet();
        foreach (var created in await copied.CreateAsync(partitions, replicas)) around.Output.WriteLine($"created {created}");
        var (taken, left) = await ShareProgress.RunAsync(around, $"copying {settings.Processor.Topic}", progress => Copy(source, target, found.Partitions, settled, progress, cancellation));
        around.Output.WriteLine($"{VerbOutput.Number(taken)} records copied into {target}, {VerbOutput.Number(left)} left behind (control records, and dead letters that they settled)");
        around.Output.WriteLine($"start with Processor__Topic={target} and Processor__Partitions={partitions}, after 'processor lineage create'");
        return VerbSurroundings.Fine;
    }

    private static (long Taken, long Left) Copy(
        KafkaTopic source, string target, int partitions, HashSet<(int, long)> settled, Action<double> progress, CancellationToken cancellation)
    {
        var (taken, left) = (0L, 0L);
        using var reader = source.OpenReader();
        using var copy = source.OpenCopy(target);
        reader.ReadLog(new long[partitions], progress, record =>
        {
            if (record.Key.AsSpan().StartsWith("#"u8) || settled.Contains((record.Partition, record.Offset)))
            {
                left++;
                return;
            }
            copy.Add(record);
            taken++;
        }, cancellation);
        copy.Finish();
        return (taken, left);
    }
}
