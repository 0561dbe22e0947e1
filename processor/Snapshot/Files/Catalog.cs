// catalog.<n> of a partition: which runs its rows are, and how far they reach.
//
// Invariants:
// - Catalogs are created by exclusive rename, the number above the greatest one; the newest whole one is the truth.
//   A writer has won only if it finds its commit in the newest catalog when it looks again: a number below the newest
//   may have become free by tidying up, and creating that one changes nothing.
// - Runs are in the order in which they were committed: what is below the target of a run lies in it or before it.
// - Below the floor only the oldest run counts: it is complete up to there, and the tombstones that would stop older
//   rows are gone from it. Late ships cannot bring such rows back.
// - A ship or merge begun before LeastBase cannot be committed any more, so its files may be deleted.
using System.Globalization;

namespace ReadStateStream.Snapshot.Files;

/// <summary>Content of a catalog.</summary>
/// <param name="Number">Its own number.</param>
/// <param name="Previous">Number of the catalog it was made from; 0: none.</param>
/// <param name="Shipped">How far the rows reach; null: nothing was shipped.</param>
/// <param name="Runs">From the oldest to the newest.</param>
/// <param name="Floor">Rows with a lower offset count in the oldest run alone.</param>
/// <param name="LeastBase">Ships and merges begun under a lower catalog number are dismissed, unless growing.</param>
/// <param name="Growing">Outputs of merges under way.</param>
/// <param name="Commits">The last commits, this one last.</param>
internal sealed record Catalog(
    long Number, long Previous, SnapshotMark? Shipped, IReadOnlyList<RunEntry> Runs, long Floor, long LeastBase,
    IReadOnlyList<string> Growing, IReadOnlyList<Guid> Commits)
{
    public const string Kind = "catalog";

    /// <summary>Commits remembered: as many as other writers can make between two looks of one.</summary>
    public const int CommitsKept = 32;

    /// <summary>A ship may see so many catalogs come while it is under way.</summary>
    public const int BaseWindow = 8;

    public static readonly Catalog Empty = new(0, 0, null, [], 0, 0, [], []);

    /// <summary>The shipped position; 0 where nothing was shipped.</summary>
    public long Position => Shipped?.Position ?? 0;

    /// <summary>Whether a file begun under this catalog number may still be committed.</summary>
    public bool Accepts(long @base, string name) => @base >= LeastBase || Growing.Contains(name);
}

/// <summary>Names of a partition's files.</summary>
internal static class PartitionNames
{
    public const string CatalogPrefix = "catalog.";
    public const string IntentPrefix = "intent.";

    private static readonly string[] BasedPrefixes = ["run.", "part.", "tmp."];

    public static string CatalogOf(long number) => string.Create(CultureInfo.InvariantCulture, $"{CatalogPrefix}{number}");

    /// <summary>A file that is not named by a catalog yet; the base tells when it can no longer be.</summary>
    public static string Based(string prefix, long @base, Guid id) => string.Create(CultureInfo.InvariantCulture, $"{prefix}.{@base}.{id:N}");

    public static bool TryCatalog(string name, out long number)
    {
        number = 0;
        return name.StartsWith(CatalogPrefix, StringComparison.Ordinal)
            && long.TryParse(name.AsSpan(CatalogPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    public static bool TryBased(string name, out long @base)
    {
        @base = 0;
        var prefix = Array.Find(BasedPrefixes, p => name.StartsWith(p, StringComparison.Ordinal));
        if (prefix is null) return false;
        var end = name.IndexOf('.', prefix.Length);
        return end > 0 && long.TryParse(name.AsSpan(prefix.Length, end - prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out @base);
    }
}
