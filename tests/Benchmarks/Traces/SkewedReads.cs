using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Benchmarks.Traces;

/// <summary>
/// Reads of so many states, drawn by Zipf's law with a given exponent; each read changes exactly the record of its
/// state. Counts the distinct ones.
/// </summary>
internal sealed class SkewedReads
{
    private const int MembersPerChannel = 100;
    private const ulong FirstUserId = 100_000_000_000_000_000;
    private const ulong FirstEventId = 400_000_000_000_000_000;

    /// <summary>Coprime to the number of keys, which is a power of ten: ranks are scattered over channels.</summary>
    private const long Scatter = 7_919;

    private readonly Random random;
    private readonly int keys;
    private readonly double[] below;
    private readonly int[] seen;
    private readonly ChannelEvent read = new() { MessagesRead = new() };
    private ulong sequence;
    private long nextOffset;
    private int round;

    /// <param name="keys">Number of states, a power of ten of at least 100.</param>
    /// <param name="exponent">Of Zipf's law; 0: all alike.</param>
    /// <param name="seed">Seed.</param>
    public SkewedReads(int keys, double exponent, int seed)
    {
        this.keys = keys;
        random = new Random(seed);
        seen = new int[keys];
        below = new double[keys];
        double sum = 0;
        for (var rank = 0; rank < keys; rank++) below[rank] = sum += Math.Pow(rank + 1, -exponent);
    }

    /// <summary>Fills the trace with the joins.</summary>
    public void Load(EventTrace trace)
    {
        trace.Clear(nextOffset);
        var created = new ChannelEvent { ChannelCreated = new() };
        for (var channel = 0; channel < keys / MembersPerChannel; channel++)
        {
            created.EventId = NextEventId();
            created.ChannelCreated.ChannelId = Population.ChannelId(channel);
            created.ChannelCreated.Kind = ChannelKind.Guild;
            created.ChannelCreated.MemberIds.Clear();
            for (var member = 0; member < MembersPerChannel; member++) created.ChannelCreated.MemberIds.Add(User((channel * MembersPerChannel) + member));
            trace.Add(created, created.ChannelCreated.ChannelId);
        }
        nextOffset += trace.Count;
    }

    /// <summary>Fills the trace with reads; the number of different states among them.</summary>
    public int Next(EventTrace trace, int events)
    {
        trace.Clear(nextOffset);
        round++;
        var distinct = 0;
        for (var i = 0; i < events; i++)
        {
            var key = (int)(Draw() * Scatter % keys);
            if (seen[key] != round) distinct++;
            seen[key] = round;
            read.EventId = NextEventId();
            read.MessagesRead.ChannelId = Population.ChannelId(key / MembersPerChannel);
            read.MessagesRead.UserId = User(key);
            read.MessagesRead.UpToId = sequence;
            trace.Add(read, read.MessagesRead.ChannelId);
        }
        nextOffset += events;
        return distinct;
    }

    private long Draw()
    {
        var found = Array.BinarySearch(below, random.NextDouble() * below[^1]);
        return Math.Min(found < 0 ? ~found : found, keys - 1);
    }

    private ulong NextEventId() => FirstEventId + (++sequence << 4);

    private static ulong User(int key) => FirstUserId + ((ulong)key << 22);
}
