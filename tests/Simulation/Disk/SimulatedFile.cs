namespace ReadStateStream.Simulation.Disk;

/// <summary>
/// A file's bytes as the system shows them, and of each sector that differs from the disk what lies there. A crash of
/// the process keeps the former; a power cut leaves, of each sector, one or the other, or parts of both.
/// </summary>
internal sealed class SimulatedFile
{
    public const int SectorBytes = 512;

    private readonly Dictionary<int, byte[]> unsynced = [];
    private readonly Dictionary<int, byte[]> lost = [];
    private readonly Dictionary<long, string> flips = [];
    private byte[] data = new byte[SectorBytes];
    private int onDisk;
    private int? cutTo;
    private string cutKind = "";

    public int Length { get; private set; }

    /// <summary>Told, once each, of damage that was read: what kind it was.</summary>
    public Action<string>? OnDamageMet { get; set; }

    public bool IsSynced => unsynced.Count == 0 && lost.Count == 0 && onDisk == Length;

    public int Read(Span<byte> destination, long offset, bool counts)
    {
        if (counts) NoteMet(offset, destination.Length);
        if (offset >= Length) return 0;
        var length = (int)Math.Min(destination.Length, Length - offset);
        data.AsSpan((int)offset, length).CopyTo(destination);
        return length;
    }

    public void Write(ReadOnlySpan<byte> source, long offset)
    {
        if (source.Length == 0) return;
        var end = (int)offset + source.Length;
        Reserve(end);
        for (var sector = (int)(offset / SectorBytes); sector * SectorBytes < end; sector++) Touch(sector);
        source.CopyTo(data.AsSpan((int)offset));
        if (flips.Count > 0)
            foreach (var at in flips.Keys.Where(at => at >= offset && at < end).ToList()) flips.Remove(at);
        Length = Math.Max(Length, end);
        if (cutTo < end) cutTo = null;
    }

    public void SetLength(int length)
    {
        Reserve(length);
        for (var sector = length / SectorBytes; sector * SectorBytes < Length; sector++) Touch(sector);
        if (length < Length) data.AsSpan(length, Length - length).Clear();
        Length = length;
        cutTo = null;
    }

    /// <summary>Everything is on the disk.</summary>
    public void Sync()
    {
        unsynced.Clear();
        onDisk = Length;
    }

    /// <summary>An fsync that failed: of what waited, some will not be tried again although the system shows it.</summary>
    public void FailSync(Random random)
    {
        foreach (var sector in unsynced.Keys.Order().ToList())
            if (random.Next(2) == 0 && unsynced.Remove(sector, out var before))
                lost.TryAdd(sector, before);
    }

    /// <summary>The system forgets its copy: what never reached the disk shows.</summary>
    public int Forget(long offset, long length)
    {
        var shown = 0;
        foreach (var sector in lost.Keys.Where(s => (s + 1L) * SectorBytes > offset && (long)s * SectorBytes < offset + length).Order().ToList())
        {
            Put(sector, lost[sector]);
            lost.Remove(sector);
            shown++;
        }
        return shown;
    }

    /// <summary>What a power cut leaves; counts the sectors that are not what the system showed.</summary>
    public int CutPower(Random random)
    {
        var changed = 0;
        var style = random.Next(4);
        foreach (var sector in lost.Keys.Order().ToList())
        {
            Put(sector, lost[sector]);
            changed++;
        }
        lost.Clear();
        foreach (var sector in unsynced.Keys.Order().ToList())
        {
            var fate = style switch { 0 => 0, 1 => 1, _ => random.Next(8) };
            if (fate is 0 or 2 or 4 or 6) continue; // the new content got there
            changed++;
            if (fate == 7) Tear(sector, unsynced[sector], random.Next(1, SectorBytes));
            else Put(sector, unsynced[sector]);
        }
        unsynced.Clear();
        if (Length != onDisk)
        {
            var kept = random.Next(3) switch
            {
                0 => onDisk,
                1 => Length,
                // What was synced stays; of what came after, whole sectors.
                _ => Math.Max(Math.Min(onDisk, Length), (int)random.NextInt64(Math.Min(onDisk, Length), Math.Max(onDisk, Length) + 1) / SectorBytes * SectorBytes),
            };
            Reserve(kept);
            if (kept < Length) data.AsSpan(kept, Length - kept).Clear();
            if (kept != Length) changed++;
            Length = kept;
        }
        onDisk = Length;
        return changed;
    }

    /// <summary>Turns a bit over, on the disk and wherever it is shown.</summary>
    public void Flip(long at, int bit, string kind)
    {
        data[at] ^= (byte)(1 << bit);
        if (lost.Count > 0) lost.Remove((int)(at / SectorBytes));
        flips[at] = kind;
    }

    /// <summary>Cuts the file, on the disk and as it is shown.</summary>
    public void Cut(int length, string kind)
    {
        data.AsSpan(length, Length - length).Clear();
        Length = length;
        onDisk = Math.Min(onDisk, length);
        foreach (var sector in unsynced.Keys.Where(s => s * SectorBytes >= length).ToList()) unsynced.Remove(sector);
        foreach (var at in flips.Keys.Where(at => at >= length).ToList()) flips.Remove(at);
        cutTo = length;
        cutKind = kind;
    }

    /// <summary>Somebody asks for the length.</summary>
    public void NoteLengthAsked()
    {
        if (cutTo is null) return;
        cutTo = null;
        OnDamageMet?.Invoke(cutKind);
    }

    private void NoteMet(long offset, int length)
    {
        if (cutTo < offset + length) NoteLengthAsked();
        if (flips.Count == 0) return;
        foreach (var (at, kind) in flips.Where(flip => flip.Key >= offset && flip.Key < offset + length).ToList())
        {
            flips.Remove(at);
            OnDamageMet?.Invoke(kind);
        }
    }

    private void Touch(int sector)
    {
        if (unsynced.ContainsKey(sector)) return;
        unsynced[sector] = lost.Remove(sector, out var below) ? below : Copy(sector);
    }

    private byte[] Copy(int sector)
    {
        var from = sector * SectorBytes;
        if (from >= Length) return [];
        return data.AsSpan(from, Math.Min(SectorBytes, Length - from)).ToArray();
    }

    private void Put(int sector, byte[] bytes)
    {
        var from = sector * SectorBytes;
        if (from >= data.Length) return;
        var there = data.AsSpan(from, Math.Min(SectorBytes, data.Length - from));
        there.Clear();
        bytes.AsSpan(0, Math.Min(bytes.Length, there.Length)).CopyTo(there);
    }

    private void Tear(int sector, byte[] bytes, int from)
    {
        var start = sector * SectorBytes;
        if (start >= data.Length) return;
        var there = data.AsSpan(start, Math.Min(SectorBytes, data.Length - start));
        for (var at = from; at < there.Length; at++) there[at] = at < bytes.Length ? bytes[at] : (byte)0;
    }

    private void Reserve(int length)
    {
        if (data.Length < length) Array.Resize(ref data, Math.Max(data.Length * 2, (length + SectorBytes - 1) / SectorBytes * SectorBytes));
    }
}
