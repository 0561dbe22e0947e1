using System.Globalization;
using ReadStateStream.Fold;
using ReadStateStream.Oracle;
using ReadStateStream.Partition.Store;

namespace ReadStateStream.Unit.Partition;

/// <summary>
/// How often a run met what big channels are about, seen from outside: the records of a channel before and after
/// some events. A path that was never met proves nothing.
/// </summary>
internal sealed class PathCounts
{
    private static readonly string[] All =
    [
        "blocks begun", "blocks split", "blocks dropped by the window", "blocks dropped by a purge", "floor inside a block",
        "directories of several records", "numbered mentions written", "numbered mentions deleted", "entries waiting in blocks",
        "waiting entries gone with the window or lost", "channels with lost entries", "capped answers", "joined head in a block",
        "joined head below what left", "own message above the pointer", "viewers who block authors", "states with overflow threads",
        "states with a clear count", "records read from disk",
    ];

    private readonly SortedDictionary<string, long> counts = new(All.ToDictionary(path => path, _ => 0L), StringComparer.Ordinal);

    public void Add(string path, long times = 1) => counts[path] += counts.ContainsKey(path) ? times : throw new ArgumentException(path);

    /// <summary>Paths never met.</summary>
    public IReadOnlyList<string> Missed => [.. counts.Where(count => count.Value == 0).Select(count => count.Key)];

    /// <summary>What happened to a channel between two looks at it, with or without a purge in between.</summary>
    public void AddChange(ChannelInspection before, ChannelInspection now, bool purged)
    {
        var old = before.Blocks.ToDictionary(block => block.Entry.Number);
        var numbers = now.Blocks.Select(block => block.Entry.Number).ToHashSet();
        foreach (var block in now.Blocks)
        {
            if (!old.TryGetValue(block.Entry.Number, out var was))
                Add(block.Entry.LastId <= before.Record.BlockLastId ? "blocks split" : "blocks begun");
            else if (purged && block.Messages[0].Id > was.Messages[0].Id && was.Messages[0].Id < now.Record.Floor) Add("floor inside a block");
        }
        Add(purged ? "blocks dropped by a purge" : "blocks dropped by the window", old.Keys.Count(number => !numbers.Contains(number)));
        if (now.DirectoryRecords > 1) Add("directories of several records");
        Add("numbered mentions written", now.NumberedMentions.Count(number => !before.NumberedMentions.Contains(number)));
        Add("numbered mentions deleted", before.NumberedMentions.Count(number => !now.NumberedMentions.Contains(number)));
        Add("entries waiting in blocks", now.Blocks.Sum(block => block.Messages.Count(m => !m.Is(MessageFlags.Sent))));
        if (now.Record.Lost > before.Record.Lost) Add("channels with lost entries");
        if (purged) return;
        var present = now.Messages.Select(message => message.Id).ToHashSet();
        Add("waiting entries gone with the window or lost", before.Messages.Count(m => !m.Is(MessageFlags.Sent) && !present.Contains(m.Id)));
    }

    /// <summary>What the states of a channel look like.</summary>
    public void AddStates(StateStore store, ulong channel, ChannelInspection records, ReadStateOracle oracle, int window)
    {
        var sent = records.Messages.Where(message => message.Is(MessageFlags.Sent)).ToList();
        var left = sent.Count > window ? sent[sent.Count - window - 1].Id : 0;
        foreach (var user in oracle.Users)
        {
            var state = StateOf(store, user, channel);
            if (!state.Member) continue;
            if (oracle.State(user, channel).Counts.Capped) Add("capped answers");
            if (state.GreatestOwn > state.Pointer) Add("own message above the pointer");
            if (oracle.BlockedBy(user).Count > 0) Add("viewers who block authors");
            if (state.HasOverflow) Add("states with overflow threads");
            if (state.ClearCount > 0) Add("states with a clear count");
            var head = sent.LastOrDefault(message => message.ArrivalOffset < state.JoinOffset).Id;
            if (head != 0 && head <= records.Record.BlockLastId && head > left) Add("joined head in a block");
            if (state.JoinOffset >= 0 && head < left) Add("joined head below what left");
        }
    }

    public override string ToString() =>
        string.Join('\n', counts.Select(count => string.Create(CultureInfo.InvariantCulture, $"{count.Key,-46} {count.Value,9}")));

    private static ReadState StateOf(StateStore store, ulong user, ulong channel)
    {
        store.Enter();
        try
        {
            ReadStateCodec.Decode(store.Read(Key16.ReadState(user, channel)), out var state);
            return state;
        }
        finally
        {
            store.Exit();
        }
    }
}
