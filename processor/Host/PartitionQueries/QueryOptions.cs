using System.ComponentModel.DataAnnotations;

namespace ReadStateStream.Host.PartitionQueries;

/// <summary>Section <c>Query</c>: the listener of the partition query (Connect over HTTP/2 cleartext).</summary>
public sealed class QueryOptions
{
    /// <summary>Where to listen: http, an IP address, localhost or * (all), port 0 .. 65535 (0: any free one).</summary>
    [Required]
    public string Url { get; set; } = "http://127.0.0.1:7071";

    /// <summary>Claims are repeated after this time, milliseconds, 10 .. 60,000.</summary>
    [Range(10, 60_000)]
    public int HeartbeatMs { get; set; } = 1_000;

    /// <summary>Most keys of one GetStates and most states of one GetUser, 1 .. 10,000.</summary>
    [Range(1, 10_000)]
    public int MaxStates { get; set; } = 1_000;

    /// <summary>Longest wait for a position that a caller may ask for, milliseconds, 0 .. 600,000.</summary>
    [Range(0, 600_000)]
    public int MaxWaitMs { get; set; } = 60_000;
}
