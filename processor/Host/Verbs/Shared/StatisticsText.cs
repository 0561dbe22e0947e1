using System.Globalization;

namespace ReadStateStream.Host.Verbs.Shared;

/// <summary>Counted records as a person reads them.</summary>
internal static class StatisticsText
{
    private const int BarWidth = 40;

    /// <summary>Counts and bytes by kind.</summary>
    public static void WriteKinds(TextWriter output, RecordStatistics statistics) => VerbOutput.WriteTable(
        output, ["records of kind", "records>", "bytes>", "a record>", "in use>"],
        statistics.Kinds.Where(kind => kind.Records > 0).Select(kind => new[]
        {
            kind.Kind, VerbOutput.Number(kind.Records), VerbOutput.Number(kind.Bytes), VerbOutput.Number((double)kind.Bytes / kind.Records),
            Share(kind.UsedBytes, kind.Bytes),
        }));

    /// <summary>How many records are how long.</summary>
    public static void WriteSizes(TextWriter output, RecordStatistics statistics)
    {
        var most = statistics.Sizes.Select(size => size.Records).DefaultIfEmpty(1).Max();
        VerbOutput.WriteTable(
            output, ["bytes up to>", "records>", ""],
            statistics.Sizes.Select(size => new[]
            {
                VerbOutput.Number(size.UpTo), VerbOutput.Number(size.Records), new string('#', (int)Math.Max(1, BarWidth * size.Records / most)),
            }));
    }

    /// <summary>A part of a whole, percent.</summary>
    public static string Share(long part, long whole) =>
        whole == 0 ? "0.0 %" : string.Create(CultureInfo.InvariantCulture, $"{100.0 * part / whole:F1} %");
}
