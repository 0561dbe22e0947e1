namespace ReadStateStream.Snapshot.Reading;

/// <summary>How fresh a pass was.</summary>
/// <param name="Position">Next offset to apply: the answer holds all records below it.</param>
/// <param name="LagEvents">Durable records not yet applied.</param>
/// <param name="LagMs">Age of the oldest of them, milliseconds.</param>
/// <param name="DeadLetters">Outstanding dead letters.</param>
public readonly record struct FreshnessFigures(long Position, long LagEvents, long LagMs, int DeadLetters);
