using System.CommandLine;
using ReadStateStream.Host.Verbs.Checkpoints;
using ReadStateStream.Host.Verbs.DeadLetters;
using ReadStateStream.Host.Verbs.Lineages;
using ReadStateStream.Host.Verbs.Proof;
using ReadStateStream.Host.Verbs.Shared;
using ReadStateStream.Host.Verbs.Snapshots;
using ReadStateStream.Host.Verbs.Stores;
using ReadStateStream.Host.Verbs.Topics;

namespace ReadStateStream.Host.Verbs;

/// <summary>
/// What an operator asks for beside running the processor. Exit codes: 0 fine, 1 a problem was found or the verb failed,
/// 2 a setting or an argument is refused.
/// </summary>
internal static class OperatorVerbs
{
    /// <summary>Adds all verbs; they read the same settings.</summary>
    public static void AddTo(RootCommand root, VerbSurroundings around)
    {
        root.Add(new Command("checkpoint", "Checkpoints of the data folder.")
        {
            CheckpointListVerb.Create(around), CheckpointVerifyVerb.Create(around), CheckpointInspectVerb.Create(around),
        });
        root.Add(new Command("snapshot", "Rows of the snapshot store.") { SnapshotVerifyVerb.Create(around), SnapshotExportVerb.Create(around) });
        root.Add(new Command("store", "The state stores.") { StoreStatVerb.Create(around) });
        root.Add(VerifyVerb.Create(around));
        root.Add(TopicVerbs.Create(around));
        root.Add(DeadLetterVerbs.Create(around));
        root.Add(new Command("lineage", "Lineages: what states are computed from.")
        {
            LineageListVerb.Create(around), LineageCreateVerb.Create(around), LineageDropVerb.Create(around),
        });
    }
}
