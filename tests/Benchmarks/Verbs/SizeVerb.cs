using ReadStateStream.Benchmarks.Processes;
using ReadStateStream.Benchmarks.Subjects;

namespace ReadStateStream.Benchmarks.Verbs;

/// <summary>Bytes of live records, all-in, with their share of the hash index.</summary>
internal static class SizeVerb
{
    private const double StateMark = 90;
    private const double MessageMark = 24;
    private const int MessagesABlock = 128;

    public static void Run(Bench bench)
    {
        bench.Say($"");
        bench.Say($"size: live records after loading and traffic; header, key, length, capacity");
        var rounds = bench.Interleave(Child.Throughput, SubjectFactory.Store);
        var sizes = bench.Once(Child.Size, SubjectFactory.Store);
        var growth = Figures.Median(rounds[SubjectFactory.Store], f => (double)f.LogGrowthBytes / f.Events);
        bench.Say($"  {sizes.Records:N0} records, {sizes.IndexBytesARecord:F1} bytes of index each; the log grows by {growth:F1} bytes an event before compaction");
        bench.Say($"  {sizes.States:N0} states: {sizes.BytesAState:F1} bytes each; {sizes.PlainShare:P1} of them plain: {sizes.BytesAPlainState:F1} bytes each");
        bench.Say($"  a channel with {sizes.Messages:N0} messages: {sizes.BytesAMessage:F2} bytes a message; one with {sizes.SmallChannelMessages}: {sizes.SmallChannelBytes} bytes");
        var state = sizes.BytesAPlainState + sizes.IndexBytesARecord;
        var message = sizes.BytesAMessage + (sizes.IndexBytesARecord / MessagesABlock);
        bench.Judge($"{state:F1} bytes a plain state with its share of the index", $"<= {StateMark:F0}", state <= StateMark);
        bench.Judge($"{message:F2} bytes a message with its share of the index", $"<= {MessageMark:F0}", message <= MessageMark);
    }
}
