using System.Threading.Channels;
using ReadStateStream.Harness;

namespace ReadStateStream.Drivers.Irc;

/// <summary>
/// Kills the processor (kill -9) at seeded moments of a publication, each time with requests unanswered,
/// and starts it again on what it left behind.
/// </summary>
internal sealed class KillSchedule
{
    private readonly Queue<long> moments;
    private readonly ProductProcess product;
    private readonly Publisher publisher;
    private readonly Channel<int> acknowledgements = Channel.CreateUnbounded<int>();

    /// <summary>Plans the kills.</summary>
    /// <param name="product">Whose processor is killed.</param>
    /// <param name="publisher">Whose requests are in flight then.</param>
    /// <param name="kills">How many times.</param>
    /// <param name="events">That will be published.</param>
    /// <param name="seed">Picks the moments, as numbers of acknowledged events.</param>
    public KillSchedule(ProductProcess product, Publisher publisher, int kills, int events, int seed)
    {
        (this.product, this.publisher) = (product, publisher);
        var random = new Random(seed);
        moments = new(Enumerable.Range(0, kills).Select(_ => (long)(events * (0.02 + (0.9 * random.NextDouble())))).Order());
    }

    /// <summary>Requests that were unanswered at each kill.</summary>
    public List<int> UnansweredAtKill { get; } = [];

    /// <summary>Kills that were planned for moments at which nothing was in flight any more.</summary>
    public int Missed => moments.Count;

    /// <summary>To be called when so many events were acknowledged.</summary>
    public void OnAcknowledged(int events) => acknowledgements.Writer.TryWrite(events);

    /// <summary>To be called when all are.</summary>
    public void OnPublished() => acknowledgements.Writer.TryComplete();

    /// <summary>Kills and restarts until all moments have passed; to be run beside the publication.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        await foreach (var _ in acknowledgements.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
        {
            if (!moments.TryPeek(out var moment)) return;
            // The answer that woke this may have been the only one awaited: then at the next one.
            if (publisher.Acknowledged < moment || publisher.InFlight == 0) continue;
            moments.Dequeue();
            UnansweredAtKill.Add(publisher.InFlight);
            product.KillProcessor();
            await product.StartProcessorAsync().ConfigureAwait(false);
        }
    }
}
