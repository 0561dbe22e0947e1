// Saved copies of the hash index: with one, a restart goes through what was written since, not through the whole record
// log. The writer copies slices between two batches; whoever steps writes them to a file, syncs and reads it back.
//
// Invariants:
// - A manifest names a copy only after it was complete, synced, read back and found right; and only one that was begun
//   above the log's begin and ended below the fold-over's tail. So following manifests may go on naming it.
// - A copy is an aid: what goes wrong with one costs no checkpoint. It is given up, and the next checkpoint tries again.
// - Files that neither a kept manifest names nor the next one will are deleted.
using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.Win32.SafeHandles;
using ReadStateStream.Partition.Store;

namespace ReadStateStream.Partition.Checkpoint;

/// <summary>Takes copies of the hash index of one partition. The writer begins and copies; another thread steps.</summary>
public sealed class IndexImages : IDisposable
{
    /// <summary>Chains copied between two batches at most: some 50 µs.</summary>
    private const int SliceLinesMax = 2048;

    /// <summary>A small index is copied in many slices too: what happens between two of them is the same in stores of any size.</summary>
    private const int SlicesMin = 8;

    /// <summary>Blocks that may wait to be written; beyond it the writer copies no more for now.</summary>
    private const int WaitingMax = 16;

    /// <summary>Bytes that a step writes, or reads back, at most, and a block.</summary>
    private const int StepBytes = 1 << 20;

    /// <summary>A copy is worth its writing once the log has grown by this many times its own size.</summary>
    private const int GrowthOfSize = 2;

    /// <summary>At an orderly stop, once it has grown by its size divided by this: what is not in it the next start scans.</summary>
    private const int SizeOfGrowthAtStop = 4;

    private readonly CheckpointSettings settings;
    private readonly StateStore store;
    private readonly DiskOperations disk;
    private readonly string folder;
    private readonly IFaultPoints faults;
    private volatile IndexImageMark? newest;
    private volatile Building? building;

    /// <summary>A copy under way: the writer fills, whoever steps writes.</summary>
    private sealed class Building(long number, IndexCapture capture)
    {
        public long Number => number;
        public IndexCapture Capture => capture;
        public ConcurrentQueue<(byte[] Block, int Length)> Waiting { get; } = new();

        /// <summary>The writer adds nothing any more.</summary>
        public volatile bool IsCaptured;

        /// <summary>It was given up by whoever steps.</summary>
        public volatile bool IsGivenUp;

        public SafeFileHandle? File { get; set; }
        public long Written { get; set; } = IndexImageHeader.Length;
        public uint Checksum { get; set; }
        public IndexImageMark? Mark { get; set; }
        public IndexImageReader? Proof { get; set; }
    }

    /// <param name="settings">What it is about.</param>
    /// <param name="store">The store; the writer's.</param>
    /// <param name="disk">Where the files lie.</param>
    /// <param name="folder">Folder of the manifests.</param>
    /// <param name="newest">The one that the newest manifest names and that holds; null: none.</param>
    /// <param name="faults">Named steps at which a test may stop the process.</param>
    public IndexImages(
        CheckpointSettings settings, StateStore store, DiskOperations disk, string folder, IndexImageMark? newest, IFaultPoints faults)
    {
        (this.settings, this.store, this.disk, this.folder, this.faults) = (settings, store, disk, folder, faults);
        this.newest = newest;
    }

    /// <summary>Copies made durable.</summary>
    public long Completed { get; private set; }

    /// <summary>Copies given up.</summary>
    public long GivenUp { get; private set; }

    /// <summary>The longest time that a slice kept the writer. Any thread.</summary>
    public TimeSpan LongestSlice { get; private set; }

    /// <summary>Called, by the stepping thread, with what became of a copy: its mark, or its error.</summary>
    public Action<IndexImageMark?, Exception?>? OnEnded { get; set; }

    private int SliceLines => (int)Math.Clamp(store.CapturableLines / SlicesMin, 1, SliceLinesMax);

    // The writer

    /// <summary>
    /// Whether the log has grown so much since the newest copy that the next checkpoint is to have one of its own.
    /// </summary>
    /// <param name="isLast">Whether it is the checkpoint of an orderly stop.</param>
    public bool IsWanted(bool isLast = false)
    {
        if (building is not null || store.CapturableLines == 0) return false;
        var growth = store.TailAddress - Math.Max(newest?.Start ?? 0, store.BeginAddress);
        var size = store.CapturableLines + ((newest?.Entries ?? 0) * sizeof(ulong));
        return isLast ? growth > size / SizeOfGrowthAtStop : growth > Math.Max(size * GrowthOfSize, store.Figures.LiveBytes * settings.Options.ImageRatio);
    }

    /// <summary>Copies a slice, beginning where none is under way and one is wanted.</summary>
    /// <param name="number">Number of a new one.</param>
    /// <param name="worked">Whether a slice was copied: not while too much of it waits to be written.</param>
    /// <returns>Whether the checkpoint may be taken: nothing is left to copy.</returns>
    public bool CopySome(long number, out bool worked)
    {
        worked = false;
        if (building is null && IsWanted()) building = new Building(number, store.BeginCapture());
        if (building is not { IsCaptured: false } under) return true;
        if (!under.IsGivenUp && under.Waiting.Count >= WaitingMax) return false;
        worked = true;
        return CopySlice(under);
    }

    /// <summary>Copies all that is left of it, or the whole index where one is wanted.</summary>
    public void CopyAll(long number, bool isLast)
    {
        if (building is null && IsWanted(isLast)) building = new Building(number, store.BeginCapture());
        if (building is not { IsCaptured: false } under) return;
        while (!CopySlice(under))
        {
        }
    }

    private bool CopySlice(Building under)
    {
        var started = settings.Time.GetTimestamp();
        if (!under.IsGivenUp)
        {
            var first = under.Capture.Next;
            var block = ArrayPool<byte>.Shared.Rent(IndexImageBlock.BytesMax);
            var length = IndexImageBlock.HeaderLength + under.Capture.Copy(block.AsSpan(IndexImageBlock.HeaderLength..IndexImageBlock.BytesMax), SliceLines);
            IndexImageBlock.Describe(block.AsSpan(0, length), first, (int)(under.Capture.Next - first));
            under.Waiting.Enqueue((block, length));
        }
        // Before whoever steps may look: what it takes is all there is.
        if (under.Capture.IsComplete || under.IsGivenUp) under.IsCaptured = true;
        var took = settings.Time.GetElapsedTime(started);
        if (took > LongestSlice) LongestSlice = took;
        return under.IsCaptured;
    }

    // Whoever steps

    /// <summary>The copy that a manifest of this fold-over names; null: none.</summary>
    public IndexImageMark? For(FoldMark fold)
    {
        // Compaction has passed it: a scan from the begin is shorter.
        if (newest is { } image && image.Start <= fold.Begin) newest = null;
        return newest;
    }

    /// <summary>A bounded part of the work; false where there is nothing to do now.</summary>
    public bool Step()
    {
        if (building is not { } under) return false;
        // Looked at first: once it is set, nothing is added.
        var isCaptured = under.IsCaptured;
        if (under.IsGivenUp)
        {
            Discard(under);
            if (isCaptured) building = null;
            return isCaptured;
        }
        try
        {
            if (WriteSome(under)) return true;
            if (!isCaptured) return false;
            if (under.Mark is null) Complete(under);
            else if (ProveSome(under)) End(under);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or IndexImageException)
        {
            GiveUp(under, error);
            return true;
        }
    }

    private bool WriteSome(Building under)
    {
        var from = under.Written;
        while (under.Written - from < StepBytes && under.Waiting.TryDequeue(out var next)) Write(under, next.Block, next.Length);
        return under.Written > from;
    }

    private void Write(Building under, byte[] block, int length)
    {
        try
        {
            if (under.File is null)
            {
                faults.Reach("checkpoint-before-image");
                under.File = disk.Create(PathOf(under.Number));
            }
            under.Checksum = IndexImageBlock.Seal(block.AsSpan(0, length), under.Checksum);
            disk.Write(PathOf(under.Number), under.File, block.AsSpan(0, length), under.Written);
            under.Written += length;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    private void Complete(Building under)
    {
        var capture = under.Capture;
        if (capture.FurtherLines > IndexImageDevice.FurtherLinesMax)
            throw new IndexImageException($"the hash index is too small for {capture.Entries} entries: FASTER could not read its copy");
        var path = PathOf(under.Number);
        Span<byte> bytes = stackalloc byte[IndexImageHeader.Length];
        var header = new IndexImageHeader(
            settings.Lineage, settings.Partition, capture.Start, capture.Lines, capture.Entries, capture.FurtherLines, under.Checksum);
        var checksum = header.Encode(bytes);
        disk.Write(path, under.File!, bytes, 0);
        disk.Sync(path, under.File!);
        disk.SyncFolder(folder);
        under.File!.Dispose();
        under.Mark = new IndexImageMark(under.Number, capture.Start, under.Written, capture.Entries, checksum);
    }

    /// <summary>Reads a part back from the disk itself; true at the end.</summary>
    private bool ProveSome(Building under)
    {
        if (under.Proof is null)
        {
            under.Proof = new IndexImageReader(disk, folder, under.Mark!, settings.Lineage, settings.Partition);
            under.Proof.ForgetCached();
        }
        for (var proven = 0; proven < StepBytes;)
        {
            var block = under.Proof.Next(out _).Length;
            if (block == 0) return true;
            proven += block;
        }
        return false;
    }

    private void End(Building under)
    {
        under.Proof!.Dispose();
        newest = under.Mark;
        building = null;
        Completed++;
        faults.Reach("checkpoint-after-image");
        OnEnded?.Invoke(newest, null);
    }

    private void GiveUp(Building under, Exception error)
    {
        under.IsGivenUp = true;
        GivenUp++;
        Discard(under);
        OnEnded?.Invoke(null, error);
    }

    private void Discard(Building under)
    {
        while (under.Waiting.TryDequeue(out var unwritten)) ArrayPool<byte>.Shared.Return(unwritten.Block);
        if (under.File is null) return;
        under.File.Dispose();
        under.File = null;
        under.Proof?.Dispose();
        try
        {
            disk.Delete(PathOf(under.Number));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It only takes space, until the next checkpoint's clean-up.
        }
    }

    /// <summary>Deletes the files that none of these manifests names, nor the next one will.</summary>
    /// <exception cref="IOException">Not all of it is known to be done.</exception>
    public void DeleteUnnamed(IEnumerable<CheckpointManifest> kept) =>
        DeleteUnnamed(disk, folder, [.. kept.Select(static manifest => manifest.Image?.Number), newest?.Number, building?.Number]);

    private static void DeleteUnnamed(DiskOperations disk, string folder, HashSet<long?> named)
    {
        var deleted = false;
        foreach (var name in disk.List(folder) ?? [])
        {
            if (!IndexImageName.TryNumber(Path.GetFileName(name), out var number) || named.Contains(number)) continue;
            disk.Delete(Path.Combine(folder, IndexImageName.Of(number)));
            deleted = true;
        }
        if (deleted) disk.SyncFolder(folder);
    }

    /// <summary>Closes what is open; nothing steps any more.</summary>
    public void Dispose()
    {
        if (building is not { } under) return;
        under.File?.Dispose();
        under.Proof?.Dispose();
    }

    private string PathOf(long number) => Path.Combine(folder, IndexImageName.Of(number));
}
