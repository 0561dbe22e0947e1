namespace ReadStateStream.Snapshot;

/// <summary>
/// Every named step at which a test may stop the process (READSTATE_KILL_AT=step[:times]), in the order of a
/// checkpoint's life. The crash harness kills at each of them; a test fails where the code names another.
/// </summary>
public static class FaultSteps
{
    /// <summary>Steps of a processor under load.</summary>
    public static readonly IReadOnlyList<string> UnderLoad =
    [
        "checkpoint-before-image", "checkpoint-after-image",
        "checkpoint-before-fold", "checkpoint-after-fold", "checkpoint-before-sync", "checkpoint-after-sync", "checkpoint-after-verify",
        "checkpoint-before-manifest", "manifest-before-rename", "manifest-after-rename", "checkpoint-after-manifest",
        "checkpoint-after-delete", "checkpoint-before-segments", "checkpoint-after-segments",
        "ship-before-intent", "ship-after-intent", "ship-after-scan", "ship-row", "ship-before-position", "files-after-run",
        "files-before-catalog", "files-after-catalog", "files-in-tidy", "files-before-merge", "files-after-merge",
        "ship-after-position", "ship-acknowledged",
        "compact-after-scan", "compact-in-copies", "compact-before-begin", "compact-after-begin",
    ];

    /// <summary>Steps of a recovery from a checkpoint, older ones than the newest among them.</summary>
    public static readonly IReadOnlyList<string> OfCheckpointRecovery = ["recovery-before-drop-newer", "recovery-after-drop-newer"];

    /// <summary>Steps of a recovery from the snapshot store, over what is left of a record log that cannot be used.</summary>
    public static readonly IReadOnlyList<string> OfSnapshotRecovery =
        ["recovery-after-clear-manifests", "recovery-after-clear", "recovery-in-rows", "recovery-after-rows"];

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<string> All = [.. UnderLoad, .. OfCheckpointRecovery, .. OfSnapshotRecovery];
}
