namespace ReadStateStream.Partition.Log;

/// <summary>Where an embedded topic is, and how it is cut.</summary>
public sealed record EmbeddedTopicOptions
{
    /// <summary>Folder of the topic; made where it does not exist.</summary>
    public required string Folder { get; init; }

    /// <summary>Partition count, 1 .. 1024; fixed when the topic is created.</summary>
    public int PartitionCount { get; init; } = 8;

    /// <summary>Name of the setting that gives <see cref="PartitionCount"/>, for messages to the operator.</summary>
    public string PartitionCountSetting { get; init; } = "EmbeddedLog__PartitionCount";

    /// <summary>Sizes and limits of each partition's log.</summary>
    public EmbeddedLogOptions Log { get; init; } = new();
}
