using ReadStateStream.Partition.Log;

namespace ReadStateStream.Benchmarks.Traces;

/// <summary>Publishes traces into an embedded topic of one partition.</summary>
internal static class TracePublisher
{
    private const int RecordsAtOnce = 1_000;

    /// <summary>Publishes all events of a trace; bytes of their values.</summary>
    public static async Task<long> PublishAsync(EmbeddedTopic topic, EventTrace trace)
    {
        long bytes = 0;
        for (var first = 0; first < trace.Count; first += RecordsAtOnce)
        {
            var records = new OutgoingRecord[Math.Min(RecordsAtOnce, trace.Count - first)];
            for (var i = 0; i < records.Length; i++)
            {
                records[i] = new OutgoingRecord(0, trace.Key(first + i).ToArray(), trace[first + i].ToArray(), 0);
                bytes += records[i].Value.Length;
            }
            foreach (var result in await topic.PublishAsync(records, CancellationToken.None).ConfigureAwait(false))
                if (result.Error is not null) throw result.Error;
        }
        return bytes;
    }
}
