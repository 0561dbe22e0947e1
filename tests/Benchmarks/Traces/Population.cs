namespace ReadStateStream.Benchmarks.Traces;

/// <summary>
/// Who is in which channel, without holding it: sizes fall with the channel's rank, and member j of channel c
/// is computed. Channels and members are numbered from 0; ids look like snowflakes, so that they are as long on
/// the wire as in production.
/// </summary>
internal sealed class Population
{
    private const ulong FirstChannelId = 1_000_000_000_000_000_000;
    private const ulong FirstUserId = 100_000_000_000_000_000;
    private const long ChannelStride = 7_919;
    private const long MemberStride = 104_729;
    private const double SizeExponent = 0.7;
    private const int SizeOffset = 10;
    private const int StatesPerUser = 10;
    private const int StatesPerChannel = 100;

    private readonly int[] sizes;

    /// <param name="states">About how many read states there shall be, at least 1,000.</param>
    public Population(int states)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(states, 1_000);
        Users = NextPrime(states / StatesPerUser);
        sizes = new int[states / StatesPerChannel];
        double sum = 0;
        for (var i = 0; i < sizes.Length; i++) sum += Weight(i);
        for (var i = 0; i < sizes.Length; i++)
        {
            sizes[i] = Math.Clamp((int)Math.Round(states * Weight(i) / sum), 2, Users / 2);
            States += sizes[i];
        }
    }

    /// <summary>Number of users.</summary>
    public int Users { get; }

    /// <summary>Number of channels.</summary>
    public int Channels => sizes.Length;

    /// <summary>Number of (user, channel) pairs.</summary>
    public int States { get; }

    /// <summary>Members of a channel.</summary>
    public int Size(int channel) => sizes[channel];

    public static ulong ChannelId(int channel) => FirstChannelId + ((ulong)channel << 22);

    /// <summary>Member j of a channel, each j another user: the number of users is a prime.</summary>
    public ulong UserId(int channel, int member) =>
        FirstUserId + ((ulong)(((channel * ChannelStride) + (member * MemberStride)) % Users) << 22);

    private static double Weight(int rank) => Math.Pow(rank + SizeOffset, -SizeExponent);

    private static int NextPrime(int from)
    {
        for (var candidate = from | 1; ; candidate += 2)
        {
            var divisor = 3;
            while ((long)divisor * divisor <= candidate && candidate % divisor != 0) divisor += 2;
            if ((long)divisor * divisor > candidate) return candidate;
        }
    }
}
