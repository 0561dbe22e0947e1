using System.ComponentModel.DataAnnotations;

namespace ReadStateStream.Host.Settings;

/// <summary>Section <c>Processor</c>: what the process as a whole needs.</summary>
public sealed class ProcessorOptions
{
    /// <summary>Folder of log and store, created where absent; relative to the working directory.</summary>
    [Required]
    public string DataFolder { get; set; } = "./data";

    /// <summary>Name of the topic, as telemetry names it.</summary>
    [Required]
    public string Topic { get; set; } = "readstate.channel-events";

    /// <summary>Partitions of a new topic, 1 .. 1,024; another count than the topic has is refused at start.</summary>
    [Range(1, 1_024)]
    public int Partitions { get; set; } = 8;

    /// <summary>Threads that fold and answer, 0 .. 1,024; 0: one a processor core. Partitions are divided among them.</summary>
    [Range(0, 1_024)]
    public int Workers { get; set; }

    /// <summary>The same as a number from 1 up: no more than there are partitions.</summary>
    public int ThreadsOf(int partitions) => Math.Clamp(Workers == 0 ? Environment.ProcessorCount : Workers, 1, partitions);

    /// <summary>Hours for which the embedded log keeps its records at least, 1 .. 876,000; 0: it is kept whole.</summary>
    [Range(0, 876_000)]
    public int LogRetentionHours { get; set; }

    /// <summary>Time for a graceful stop, seconds, 1 .. 3,600: requests end, partitions stop, the log closes.</summary>
    [Range(1, 3_600)]
    public int ShutdownSeconds { get; set; } = 30;
}

/// <summary>Section <c>EventIds</c>: how a deployment's event ids tell their time. The same for all its sources.</summary>
public sealed class EventIdOptions
{
    /// <summary>Time of event id 0; an event id's upper 41 bits are milliseconds since then.</summary>
    public DateTimeOffset Epoch { get; set; } = new(2015, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>How far an event id's time may lie ahead, seconds, 0 .. 31,536,000.</summary>
    [Range(0, 31_536_000)]
    public int MaxAheadSeconds { get; set; } = 3_600;

    /// <summary>
    /// With Kafka: tells the processors apart, whose ids for one channel must differ, 0 .. 1,023; -1: one at random at each start,
    /// which two share once in 1,024 times.
    /// </summary>
    [Range(-1, 1_023)]
    public int Node { get; set; } = -1;

    /// <summary>The epoch, milliseconds since the Unix epoch.</summary>
    public long EpochUnixMs => Epoch.ToUnixTimeMilliseconds();
}
