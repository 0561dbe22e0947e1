using System.Diagnostics;
using System.Globalization;
using ReadStateStream.Benchmarks.Processes;

namespace ReadStateStream.Benchmarks.Broker;

/// <summary>The children of the verbs that need a broker: a command a line, its figures as a line of JSON.</summary>
internal static class BrokerChild
{
    /// <summary>What the names of these children begin with.</summary>
    public const string Prefix = "broker-";

    /// <summary>Consumes and parses. Commands: events and partitions, with a blank between.</summary>
    public const string Bare = Prefix + "bare";

    /// <summary>The product goes through the topic. Commands as of <see cref="Bare"/>.</summary>
    public const string Through = Prefix + "through";

    /// <summary>A member whose partitions are watched. Commands: see <see cref="WatchedMember"/>.</summary>
    public const string Watched = Prefix + "watched";

    /// <summary>A member that comes and goes. Commands: <c>join</c> and <c>leave</c>.</summary>
    public const string Guest = Prefix + "guest";

    /// <summary>Serves until the parent closes the pipe.</summary>
    public static void Serve(string name, Settings settings)
    {
        if (BrokerBed.Missing is { } missing) throw new ArgumentException(missing);
        // It would have a machine of its own: what its own start and recoveries take is not what is measured.
        if (name == Guest) Process.GetCurrentProcess().PriorityClass = ProcessPriorityClass.Idle;
        using var watched = name == Watched ? new WatchedMember(settings) : null;
        HostedProduct? guest = null;
        Child.Serve(Console.In, Console.Out, command => name switch
        {
            Bare => BareConsumers.Run(Numbers(command)[0], (int)Numbers(command)[1]),
            Through => RunThrough(Numbers(command)[0], (int)Numbers(command)[1]).GetAwaiter().GetResult(),
            Watched => watched!.Do(command),
            Guest => Visit(ref guest, command),
            _ => throw new ArgumentException($"no child is called {name}"),
        });
        guest?.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    private static long[] Numbers(string command) => [.. command.Split(' ').Select(static one => long.Parse(one, CultureInfo.InvariantCulture))];

    private static async Task<Figures> RunThrough(long events, int partitions)
    {
        var snapshots = Directory.CreateTempSubdirectory("readstate-bench-snapshots-").FullName;
        try
        {
            var product = await HostedProduct.StartAsync(partitions, snapshots).ConfigureAwait(false);
            await using var end = product.ConfigureAwait(false);
            return ThroughTimer.Measure(events, () => product.Partitions.Sum(static partition => partition.Position));
        }
        finally
        {
            Directory.Delete(snapshots, recursive: true);
        }
    }

    private static Figures Visit(ref HostedProduct? guest, string command)
    {
        if (command == "join") guest = HostedProduct.StartAsync(WatchedMember.Partitions, WatchedMember.Snapshots, WatchedMember.More).GetAwaiter().GetResult();
        else
        {
            guest?.DisposeAsync().AsTask().GetAwaiter().GetResult();
            guest = null;
        }
        return new Figures();
    }
}
