namespace ReadStateStream.Snapshot;

/// <summary>What rows were computed from: another identity means other rows, which must not mix with these.</summary>
/// <param name="Topic">Identity of the topic; a topic that was deleted and created again has another.</param>
/// <param name="Partitions">Partitions of the topic.</param>
/// <param name="FoldVersion">Version of the fold and of the records' layout.</param>
/// <param name="Stored">The policies and limits that change what is stored, in canonical text.</param>
public sealed record LineageIdentity(string Topic, int Partitions, int FoldVersion, string Stored);

/// <summary>What an answer needs beside the rows, so that the query API answers as the processor would.</summary>
/// <param name="Policy">The processor's policy.</param>
/// <param name="EventIdEpochUnixMs">Epoch of event ids, milliseconds since the Unix epoch.</param>
/// <param name="MaxValueBytes">The longest value of a record, bytes: mention records are spread by it.</param>
public sealed record AnswerSettings(Fold.PolicyOptions Policy, long EventIdEpochUnixMs, int MaxValueBytes);

/// <summary>A lineage as the snapshot store lists it.</summary>
/// <param name="Number">Its number, from <see cref="FirstNumber"/> to <see cref="LastNumber"/>.</param>
/// <param name="Identity">What its rows were computed from.</param>
/// <param name="Answers">What answers need beside the rows.</param>
/// <param name="CreatedUnixMs">When it was created, milliseconds since the Unix epoch.</param>
public sealed record LineageEntry(long Number, LineageIdentity Identity, AnswerSettings Answers, long CreatedUnixMs)
{
    /// <summary>Write timestamps of lineages below would be ones that real clocks may have made.</summary>
    public const long FirstNumber = 256;

    /// <summary>A version has 63 bits, 44 of them the offset.</summary>
    public const long LastNumber = (1L << 19) - 1;

    /// <summary>The version under which a row of this offset is written: <c>lineage &lt;&lt; 44 | offset</c>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The offset is not in 0 .. 2^44 - 1.</exception>
    public static long Version(long lineage, long offset)
    {
        if (offset is < 0 or >= 1L << 44) throw new ArgumentOutOfRangeException(nameof(offset), offset, "beyond 44 bits");
        return (lineage << 44) | offset;
    }
}
