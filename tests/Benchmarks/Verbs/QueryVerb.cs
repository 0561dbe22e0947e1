using ReadStateStream.Benchmarks.Processes;
using ReadStateStream.Benchmarks.Subjects;

namespace ReadStateStream.Benchmarks.Verbs;

/// <summary>What a question waits while the partition folds, beside one that folds nothing.</summary>
internal static class QueryVerb
{
    public static void Run(Bench bench)
    {
        bench.Say($"");
        bench.Say($"query: one state a question, one after the other, idle and at {QueryLoad.Share:P0} of the maximum ingest; median of {bench.Settings.Rounds}");
        var rounds = bench.Interleave(Child.Query, SubjectFactory.Served)[SubjectFactory.Served];
        var idle = Figures.Median(rounds, f => f.IdleP99Us);
        var loaded = Figures.Median(rounds, f => f.P99Us);
        bench.Say($"  maximum ingest {Figures.Median(rounds, f => f.Events):N0} events/s; questions a round {Figures.Median(rounds, f => f.Keys):N0} idle, {Figures.Median(rounds, f => f.Queries):N0} under load");
        bench.Say($"  p99 idle {idle:F1} us, under load {loaded:F1} us");
        bench.Say($"  => ratio {Figures.Median(rounds, f => f.P99Us / f.IdleP99Us):F2} (printed; no pass mark)");
    }
}
