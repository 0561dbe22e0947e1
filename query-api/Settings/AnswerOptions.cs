using System.ComponentModel.DataAnnotations;

namespace ReadStateStream.QueryApi.Settings;

/// <summary>Section <c>Answers</c>: limits and times of answers.</summary>
internal sealed class AnswerOptions
{
    public const string Section = "Answers";

    /// <summary>Longest wait that a caller may ask for with waitMs.</summary>
    public const int WaitMsMax = 30_000;
    /// <summary>Most keys of a batch, and channels of a read-all list.</summary>
    public const int BatchMax = 1_000;
    /// <summary>Most states on a page.</summary>
    public const int PageMax = 1_000;
    /// <summary>States on a page where the caller says nothing.</summary>
    public const int PageDefault = 100;

    /// <summary>Wait for a token's positions where the caller says nothing, ms.</summary>
    [Range(0, WaitMsMax)]
    public int DefaultWaitMs { get; set; } = 2_000;

    /// <summary>Longest time for a processor's answer beyond what it waits for positions, ms.</summary>
    [Range(100, 60_000)]
    public int CallTimeoutMs { get; set; } = 10_000;

    /// <summary>Longest time for a processor to take events, ms; above its own wait for the disk, which knows the outcome.</summary>
    [Range(100, 600_000)]
    public int PublishTimeoutMs { get; set; } = 35_000;

    /// <summary>Requests under /v1 answered at the same time; more get 429.</summary>
    [Range(1, 100_000)]
    public int ConcurrencyMax { get; set; } = 1_024;

    /// <summary>Requests under /v1 that wait for their turn before others get 429.</summary>
    [Range(0, 100_000)]
    public int QueueMax { get; set; } = 1_024;

    /// <summary>Questions at the same time, for one request, about whom users blocked.</summary>
    [Range(1, 1_000)]
    public int BlockedConcurrencyMax { get; set; } = 32;

    /// <summary>Retry-After of 429 and 503, seconds.</summary>
    [Range(1, 3_600)]
    public int RetryAfterSeconds { get; set; } = 1;

    /// <summary>Largest request body, bytes; more is refused with 413.</summary>
    [Range(1_024, 16 << 20)]
    public int BodyBytesMax { get; set; } = 1 << 20;
}
