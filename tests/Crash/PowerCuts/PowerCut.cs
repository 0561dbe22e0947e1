using ReadStateStream.Unit.Generators;

namespace ReadStateStream.Crash.PowerCuts;

/// <summary>
/// What a power cut leaves of a traced disk. What was synced is there. Of what was not, any part may be: sectors of
/// 512 bytes of each write, in any order, some torn; lengths; entries of each folder.
/// </summary>
/// <param name="random">What is left.</param>
/// <param name="lost">A folder that is lost as a whole, with what was called durable in it; null: none.</param>
internal sealed class PowerCut(Random random, string? lost)
{
    private const int SectorBytes = 512;

    private enum Fate { Dropped, Kept, Some }

    private readonly Dictionary<DiskNode, (DiskNode Durable, List<DiskOperation> Pending)> files = [];
    private readonly Dictionary<string, DiskNode?> entries = []; // null: a folder
    private readonly Dictionary<string, List<EntryChanged>> changes = [];

    /// <summary>Sectors that were dropped, and those that were torn.</summary>
    public (long Dropped, long Torn) Sectors { get; private set; }

    /// <summary>Changed entries of folders that were dropped.</summary>
    public long EntriesDropped { get; private set; }

    /// <summary>The greatest position that was called durable before.</summary>
    public long Promised { get; private set; }

    /// <summary>The disk after a cut that comes after so many operations.</summary>
    public TracedDisk Leave(IReadOnlyList<DiskOperation> trace, int operations)
    {
        foreach (var operation in trace.Take(operations)) Do(operation);
        foreach (var (_, pending) in changes) KeepSome(pending);
        foreach (var (durable, pending) in files.Values) KeepSome(durable, pending);
        var folders = entries.Where(entry => entry.Value is null).Select(entry => entry.Key).ToHashSet();
        folders.Add("/");
        // A folder whose entry is lost takes along what lies in it.
        bool IsReachable(string path) => path == "/" || path != lost && (folders.Contains(Path.GetDirectoryName(path)!) && IsReachable(Path.GetDirectoryName(path)!));
        return new TracedDisk(
            entries.Where(entry => entry.Value is not null && IsReachable(entry.Key))
                .Select(entry => KeyValuePair.Create(entry.Key, files.TryGetValue(entry.Value!, out var file) ? file.Durable : new DiskNode())),
            folders.Where(IsReachable));
    }

    private void Do(DiskOperation operation)
    {
        switch (operation)
        {
            case BytesWritten write:
                Of(write.File).Pending.Add(write);
                break;
            case LengthSet length:
                Of(length.File).Pending.Add(length);
                break;
            case FileSynced { File: var file }:
                foreach (var pending in Of(file).Pending) Apply(Of(file).Durable, pending);
                Of(file).Pending.Clear();
                break;
            case EntryChanged change:
                if (!changes.TryGetValue(change.Folder, out var list)) changes[change.Folder] = list = [];
                list.Add(change);
                break;
            case FolderSynced { Folder: var folder }:
                if (!changes.Remove(folder, out var made)) break;
                foreach (var change in made) Apply(change);
                break;
            case PositionDurable { Position: var position, Shipped: var shipped }:
                if (shipped || lost is null) Promised = Math.Max(Promised, position);
                break;
            default:
                throw new NotSupportedException($"{operation} is unknown");
        }
    }

    private (DiskNode Durable, List<DiskOperation> Pending) Of(DiskNode file)
    {
        if (!files.TryGetValue(file, out var both)) files[file] = both = (new DiskNode(), []);
        return both;
    }

    private static void Apply(DiskNode durable, DiskOperation pending)
    {
        if (pending is BytesWritten write) durable.Write(write.Offset, write.Bytes);
        else if (pending is LengthSet length) durable.SetLength(length.Length);
    }

    private void Apply(EntryChanged change)
    {
        if (change.From is { } from) entries.Remove(from);
        if (change.To is { } to) entries[to] = change.Target;
    }

    private void KeepSome(List<EntryChanged> pending)
    {
        var fate = Choose();
        // A journal keeps the first ones; without one any of them may be there.
        var first = random.Chance(0.5) ? random.Next(pending.Count + 1) : int.MaxValue;
        for (var i = 0; i < pending.Count; i++)
        {
            if (fate == Fate.Kept || (fate == Fate.Some && (first != int.MaxValue ? i < first : random.Chance(0.5)))) Apply(pending[i]);
            else EntriesDropped++;
        }
    }

    private void KeepSome(DiskNode durable, List<DiskOperation> pending)
    {
        if (pending.Count == 0) return;
        var fate = Choose();
        var ordered = pending.ToArray();
        if (fate == Fate.Some && random.Chance(0.5)) random.Shuffle(ordered);
        foreach (var operation in ordered)
        {
            if (fate == Fate.Kept) Apply(durable, operation);
            else if (fate == Fate.Some) KeepSome(durable, operation);
            else if (operation is BytesWritten dropped) Sectors = (Sectors.Dropped + (dropped.Bytes.Length + SectorBytes - 1) / SectorBytes, Sectors.Torn);
        }
        // The length may be there without the bytes.
        if (fate != Fate.Kept && random.Chance(0.2) && pending.OfType<BytesWritten>().Select(write => write.Offset + write.Bytes.Length).DefaultIfEmpty().Max() is var end && end > durable.Length)
            durable.SetLength(end);
    }

    private void KeepSome(DiskNode durable, DiskOperation operation)
    {
        if (operation is not BytesWritten write)
        {
            if (random.Chance(0.5)) Apply(durable, operation);
            return;
        }
        var share = random.NextDouble();
        for (var at = 0; at < write.Bytes.Length;)
        {
            // Sectors of the file, not of the write.
            var length = (int)Math.Min(SectorBytes - ((write.Offset + at) % SectorBytes), write.Bytes.Length - at);
            if (random.Chance(share))
            {
                var torn = random.Chance(0.05) ? random.Next(length) : length;
                if (torn < length) Sectors = (Sectors.Dropped, Sectors.Torn + 1);
                durable.Write(write.Offset + at, write.Bytes.AsSpan(at, torn));
            }
            else
            {
                Sectors = (Sectors.Dropped + 1, Sectors.Torn);
            }
            at += length;
        }
    }

    private Fate Choose() => random.NextDouble() switch { < 0.3 => Fate.Dropped, < 0.5 => Fate.Kept, _ => Fate.Some };
}
