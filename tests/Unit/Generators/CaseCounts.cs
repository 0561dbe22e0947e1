using System.Globalization;
using System.Text;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Unit.Generators;

/// <summary>
/// How many of each event case and of each kind of duplicate a run made: a property that never meets a
/// case proves nothing about it. May be fed from several threads.
/// </summary>
public sealed class CaseCounts
{
    private readonly Lock gate = new();
    private readonly SortedDictionary<ChannelEvent.FactOneofCase, long> cases = [];
    private readonly SortedDictionary<DuplicateKind, long> duplicates = [];

    /// <summary>A collector that knows every case of the contract, seen or not.</summary>
    public CaseCounts()
    {
        foreach (var fact in Enum.GetValues<ChannelEvent.FactOneofCase>())
            if (fact != ChannelEvent.FactOneofCase.None) cases.Add(fact, 0);
        foreach (var kind in Enum.GetValues<DuplicateKind>()) duplicates.Add(kind, 0);
    }

    /// <summary>Events seen.</summary>
    public long Total { get; private set; }

    /// <summary>Counts a log.</summary>
    public void Add(GeneratedLog log)
    {
        lock (gate)
        {
            Total += log.Events.Count;
            foreach (var (record, duplicate) in log.Events)
            {
                cases[record.FactCase]++;
                duplicates[duplicate]++;
            }
        }
    }

    /// <summary>Throws where any event case or kind of duplicate makes up less than this share (0 .. 1) of all events.</summary>
    public void RequireEach(double share = 0.01)
    {
        lock (gate)
        {
            var rare = cases.Where(count => count.Value < share * Total).Select(count => count.Key.ToString())
                .Concat(duplicates.Where(count => count.Value < share * Total).Select(count => count.Key.ToString()))
                .ToList();
            if (Total == 0 || rare.Count > 0)
                throw new InvalidOperationException($"below {share:P0} of {Total} events: {string.Join(", ", rare)}\n{Table()}");
        }
    }

    /// <inheritdoc />
    public override string ToString()
    {
        lock (gate) return Table();
    }

    private string Table()
    {
        var text = new StringBuilder();
        foreach (var (fact, count) in cases) Line($"case {fact}", count);
        foreach (var (kind, count) in duplicates) Line($"duplicate {kind}", count);
        return text.ToString();

        void Line(string name, long count) => text.AppendLine(
            CultureInfo.InvariantCulture, $"{name,-30} {count,10} {(Total == 0 ? 0 : 100.0 * count / Total),6:F2} %");
    }
}
