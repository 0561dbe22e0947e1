using System.ComponentModel.DataAnnotations;

namespace ReadStateStream.QueryApi.Settings;

/// <summary>
/// Sections <c>Processors</c> (a list of URLs) and <c>Routing</c>: how processors are found and watched.
/// Either the list or <see cref="DnsUrl"/>; with neither, one processor on this machine.
/// </summary>
internal sealed class RoutingOptions
{
    public const string Section = "Routing";
    public const string ProcessorsSection = "Processors";
    public const string DefaultProcessor = "http://127.0.0.1:7071";

    /// <summary>Base URLs of the processors' partition query (<c>Processors__0</c> and so on).</summary>
    public IReadOnlyList<string> Processors { get; set; } = [];

    /// <summary>One URL whose host name resolves to every processor, e.g. a headless service's.</summary>
    public string? DnsUrl { get; set; }

    /// <summary>How often the name is resolved anew, ms.</summary>
    [Range(100, 600_000)]
    public int DnsRefreshMs { get; set; } = 5_000;

    /// <summary>Longest time for a connection, and for the first claims on it, ms.</summary>
    [Range(100, 60_000)]
    public int ConnectTimeoutMs { get; set; } = 5_000;

    /// <summary>A processor silent for this many of its heartbeat intervals is away.</summary>
    [Range(1, 100)]
    public int MissedHeartbeats { get; set; } = 3;

    /// <summary>Pause before the first reconnect, ms; doubles with each failure.</summary>
    [Range(1, 60_000)]
    public int ReconnectMinMs { get; set; } = 100;

    /// <summary>Longest pause between reconnects, ms.</summary>
    [Range(1, 600_000)]
    public int ReconnectMaxMs { get; set; } = 5_000;

    /// <summary>How long an answer waits for the new owner of a partition that has just moved, ms, before its one retry.</summary>
    [Range(0, 10_000)]
    public int MovedWaitMs { get; set; } = 500;

    /// <summary>Settings out of range, each with its name and range.</summary>
    public IEnumerable<string> Errors()
    {
        if (Processors.Count > 0 && DnsUrl is not null)
            yield return "Processors and Routing__DnsUrl exclude each other: set one of them";
        for (var i = 0; i < Processors.Count; i++)
            if (!IsHttpUrl(Processors[i])) yield return $"Processors__{i} must be an absolute http or https URL (it is '{Processors[i]}')";
        if (DnsUrl is not null && !IsHttpUrl(DnsUrl))
            yield return $"Routing__DnsUrl must be an absolute http or https URL (it is '{DnsUrl}')";
        if (ReconnectMaxMs < ReconnectMinMs)
            yield return $"Routing__ReconnectMaxMs must be Routing__ReconnectMinMs ({ReconnectMinMs}) or more (it is {ReconnectMaxMs})";
    }

    private static bool IsHttpUrl(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" && url.PathAndQuery == "/" && url.Port > 0;
}
