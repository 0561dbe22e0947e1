namespace ReadStateStream.Fold;

/// <summary>Version of what is stored; part of the lineage.</summary>
public static class FoldVersion
{
    /// <summary>
    /// Raised with every change of the fold's rules or of the layout of its records: states of another version are
    /// not opened, a new lineage is rebuilt from the log.
    /// </summary>
    public const int Current = 1;
}
