// Opens the record log of a checkpoint.
//
// Invariants:
// - By an index image only what it was proven with is trusted: a checksum of every block. What the log holds is proven
//   when it is read, and all of it beside the writer (LogScrub).
// - An image that cannot be used costs nothing but time: it is said, and the same log is scanned.
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Store;

namespace ReadStateStream.Partition.Recovery;

/// <summary>A store opened from a checkpoint.</summary>
/// <param name="Store">The store; it owns the device.</param>
/// <param name="Device">Its device.</param>
/// <param name="Image">The index image that it was opened by; null: by a scan.</param>
internal sealed record OpenedCheckpoint(StateStore Store, StateDevice Device, IndexImageMark? Image);

/// <summary>Opens checkpoints of one partition.</summary>
/// <param name="settings">What it recovers with.</param>
/// <param name="openDevice">Opens a device for a layout.</param>
/// <param name="observer">Told of images that cannot be used.</param>
internal sealed class CheckpointOpening(RecoverySettings settings, Func<StoreGeometry, StateDevice> openDevice, IRecoveryObserver observer)
{
    /// <summary>Opens one.</summary>
    /// <param name="manifest">The checkpoint.</param>
    /// <param name="mayUseImage">False where the log must be proven whole before anything is answered from it.</param>
    /// <exception cref="DamageException">It cannot be trusted.</exception>
    /// <exception cref="InvalidDataException">It cannot be trusted.</exception>
    public OpenedCheckpoint Open(CheckpointManifest manifest, bool mayUseImage)
    {
        // Below the begin a scan reads less than one from the image on.
        if (!mayUseImage || manifest.Image is not { } mark || mark.Start <= manifest.Fold.Begin) return Open(manifest, null);
        try
        {
            using var image = new IndexImageReader(
                settings.Device.Disk, settings.Folder, mark, settings.Checkpoint.Lineage, settings.Checkpoint.Partition);
            if (image.Lines != manifest.Geometry.IndexLines) throw image.Damaged($"it is of {image.Lines} lines, the record log of {manifest.Geometry.IndexLines}");
            return Open(manifest, image) with { Image = mark };
        }
        catch (Exception unusable) when (unusable is IndexImageException or InvalidDataException)
        {
            observer.ImagePassedOver(settings.Checkpoint.Partition, manifest.Mark.Position, unusable.Message);
            return Open(manifest, null);
        }
    }

    private OpenedCheckpoint Open(CheckpointManifest manifest, IndexImageReader? image)
    {
        var device = openDevice(manifest.Geometry);
        try
        {
            device.LoadSums(manifest.Sums, manifest.Fold.Begin);
            // FASTER opens the device itself; from here on the store owns it.
            var store = StateStore.Recover(settings.Store, manifest.Geometry, settings.Policy, device, manifest.Fold, image);
            if (device.Damage is not { } damage) return new OpenedCheckpoint(store, device, null);
            store.Dispose();
            throw damage;
        }
        catch (Exception error)
        {
            device.Dispose();
            if (error is InvalidDataException && device.Damage is { } damage) throw damage;
            throw;
        }
    }
}
