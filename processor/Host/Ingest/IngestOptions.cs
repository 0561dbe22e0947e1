using System.ComponentModel.DataAnnotations;
using ReadStateStream.Partition.Decode;

namespace ReadStateStream.Host.Ingest;

/// <summary>Section <c>Ingest</c>: the endpoint that takes events, and its limits.</summary>
public sealed class IngestOptions
{
    /// <summary>Where to listen: http, an IP address, localhost or * (all), port 0 .. 65535 (0: any free one).</summary>
    [Required]
    public string Url { get; set; } = "http://127.0.0.1:7070";

    /// <summary>The URL by which others reach it, where that is not the address it listens on.</summary>
    public string? AdvertisedUrl { get; set; }

    /// <summary>Greatest body of a request, bytes, 1 KiB .. 256 MiB; beyond it: 413.</summary>
    [Range(1_024, 256 * 1024 * 1024)]
    public int MaxBodyBytes { get; set; } = 8 * 1024 * 1024;

    /// <summary>Most events in one request, 1 .. 10,000; beyond it: 400.</summary>
    [Range(1, 10_000)]
    public int MaxBatchEvents { get; set; } = 1_000;

    /// <summary>Greatest event as protobuf, bytes, 1 KiB .. 4 MiB − 1 KiB: with key and frame it fits a page of the log.</summary>
    [Range(1_024, (4 * 1024 * 1024) - 1_024)]
    public int MaxEventBytes { get; set; } = 1024 * 1024 - 1024;

    /// <summary>Most users one event names, repetitions included, 1 .. 10,000: beyond that the contract has it a dead letter.</summary>
    [Range(1, FactContract.ListedMax)]
    public int MaxUsers { get; set; } = 10_000;

    /// <summary>Longest reason of a waived dead letter, characters, 1 .. 100,000.</summary>
    [Range(1, 100_000)]
    public int MaxReasonCharacters { get; set; } = 1_000;

    /// <summary>Requests worked on at once, 1 .. 10,000.</summary>
    [Range(1, 10_000)]
    public int MaxConcurrentRequests { get; set; } = 64;

    /// <summary>Requests that wait for their turn, 0 .. 100,000; beyond it: 429.</summary>
    [Range(0, 100_000)]
    public int MaxQueuedRequests { get; set; } = 256;

    /// <summary>How long a request waits for the disk, milliseconds, 100 .. 600,000; beyond it: 503.</summary>
    [Range(100, 600_000)]
    public int AppendTimeoutMs { get; set; } = 30_000;

    /// <summary>What Retry-After says with 429 and 503, seconds, 1 .. 3,600.</summary>
    [Range(1, 3_600)]
    public int RetryAfterSeconds { get; set; } = 1;
}
