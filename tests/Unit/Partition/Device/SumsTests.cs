using ReadStateStream.Partition.Store;
using Xunit;
using static ReadStateStream.Unit.Partition.Device.DeviceFolder;

namespace ReadStateStream.Unit.Partition.Device;

/// <summary>Checksums saved and loaded; what a crash, a bad disk or a wrong hand leaves.</summary>
public sealed class SumsTests : IDisposable
{
    private const int Tail = (2 * SegmentBytes) + 5000; // cuts a sector

    private readonly DeviceFolder _folder = new();
    private readonly byte[] _bytes = Pattern(Tail, 1);

    public void Dispose() => _folder.Dispose();

    private SumsMark Save()
    {
        using var device = _folder.Open();
        Fill(device, 0, _bytes[..20_000]);
        device.SaveSums(20_000);
        Fill(device, 20_000 & -512, _bytes[(20_000 & -512)..]);
        device.Flush();
        VerifyAll(device, 0, Tail);
        return device.SaveSums(Tail);
    }

    private void Refused(SumsMark mark, long begin = 0)
    {
        using var device = _folder.Open();
        Assert.Throws<DamageException>(() => device.LoadSums(mark, begin));
        Assert.Null(device.Damage);
    }

    [Fact]
    public void What_was_saved_is_loaded_and_proven()
    {
        var mark = Save();
        Assert.Equal([32, 32, 9], mark.Segments.Select(s => s.Sectors));
        using var device = _folder.Open();
        device.LoadSums(mark, 0);
        VerifyAll(device, 0, Tail);
        Assert.Equal(_bytes[4096..8192], ReadNow(device, 4096, 4096));
        Assert.Equal(mark.Segments, device.SaveSums(Tail).Segments);
        Assert.Equal(mark.TailSum, device.SaveSums(Tail).TailSum);
        Assert.Null(device.Damage);
    }

    [Fact]
    public void An_older_mark_still_loads_after_a_later_one()
    {
        SumsMark older;
        using (var device = _folder.Open())
        {
            Fill(device, 0, _bytes[..20_001]);
            older = device.SaveSums(20_001);
            Fill(device, 20_001 & -512, _bytes[(20_001 & -512)..]);
            device.SaveSums(Tail);
        }
        using var again = _folder.Open();
        again.LoadSums(older, 0);
        VerifyAll(again, 0, 20_001);
        Assert.Equal([.. _bytes[(20_001 & -512)..20_001], .. new byte[512 - (20_001 % 512)]], ReadNow(again, 20_001 & -512, 512));
    }

    [Fact]
    public void What_lies_above_the_mark_is_garbage_and_reads_as_zeros()
    {
        var mark = Save();
        using (var lost = _folder.Open())
        {
            lost.LoadSums(mark, 0);
            Fill(lost, Tail & -512, Pattern(3 * SegmentBytes, 2));
            lost.SaveSums(4 * SegmentBytes);
        }
        using var device = _folder.Open();
        device.LoadSums(mark, 0);
        var above = new byte[SegmentBytes];
        device.Read(Tail & -512, above);
        Assert.Equal([.. _bytes[(Tail & -512)..], .. new byte[SegmentBytes - (Tail % 512)]], above);
        var more = Pattern(6000, 3);
        Fill(device, Tail & -512, [.. _bytes[(Tail & -512)..], .. more]);
        var later = device.SaveSums(Tail + 6000);
        using var last = _folder.Open();
        last.LoadSums(later, 0);
        VerifyAll(last, 0, Tail + 6000);
        var read = new byte[512 * 14];
        last.Read(Tail & -512, read);
        Assert.Equal([.. more, .. new byte[read.Length - 6000 - (Tail % 512)]], read[(Tail % 512)..]);
    }

    [Fact]
    public void What_a_mark_covers_never_changes_on_the_disk()
    {
        var mark = Save();
        using var device = _folder.Open();
        device.LoadSums(mark, 0);
        // FASTER's memory may differ in bits of a record's header by the time the sector is written again.
        Fill(device, (Tail & -512) - 512, Pattern(2048, 4));
        var read = new byte[2048];
        device.Read((Tail & -512) - 512, read);
        Assert.Equal([.. _bytes[((Tail & -512) - 512)..], .. Pattern(2048, 4)[(512 + (Tail % 512))..]], read);
        using var again = _folder.Open();
        again.LoadSums(mark, 0);
        VerifyAll(again, 0, Tail);
    }

    [Fact]
    public void Segments_below_the_begin_are_not_needed()
    {
        var mark = Save();
        File.Delete(_folder.Records(0));
        File.Delete(_folder.Sums(0));
        Refused(mark);
        using var device = _folder.Open();
        device.LoadSums(mark, SegmentBytes + 700);
        VerifyAll(device, SegmentBytes, Tail);
        Assert.Equal(mark.Segments.Skip(1), device.SaveSums(Tail).Segments);
    }

    [Fact]
    public void Truncated_files_are_refused()
    {
        var mark = Save();
        string[] files = [_folder.Sums(0), _folder.Sums(1), _folder.Sums(2), _folder.Records(0), _folder.Records(1), _folder.Records(2)];
        var needed = new long[] { 128, 128, 36, SegmentBytes, SegmentBytes, 5000 };
        for (var i = 0; i < files.Length; i++)
        {
            var whole = File.ReadAllBytes(files[i]);
            for (var place = 0; place < 10; place++)
            {
                using (var file = File.OpenHandle(files[i], FileMode.Open, FileAccess.ReadWrite))
                    RandomAccess.SetLength(file, needed[i] * place / 10 + (place == 9 ? needed[i] - 1 - (needed[i] * 9 / 10) : 0));
                Refused(mark);
            }
            File.Delete(files[i]);
            Refused(mark);
            File.WriteAllBytes(files[i], whole);
        }
        using var device = _folder.Open();
        device.LoadSums(mark, 0);
    }

    [Fact]
    public void Every_flipped_byte_of_a_sums_file_is_refused()
    {
        var mark = Save();
        for (var segment = 0; segment < 3; segment++)
            for (var offset = 0; offset < mark.Segments[segment].Sectors * 4; offset++)
            {
                Flip(_folder.Sums(segment), offset);
                Refused(mark);
                Flip(_folder.Sums(segment), offset);
            }
        for (var offset = Tail & -512 & (SegmentBytes - 1); offset < Tail % SegmentBytes; offset++)
        {
            Flip(_folder.Records(2), offset); // of the cut sector
            Refused(mark);
            Flip(_folder.Records(2), offset);
        }
        using var device = _folder.Open();
        device.LoadSums(mark, 0);
    }

    [Fact]
    public void Swapped_segments_are_found()
    {
        var mark = Save();
        void Swap(Func<int, string> name)
        {
            File.Move(name(0), name(9));
            File.Move(name(1), name(0));
            File.Move(name(9), name(1));
        }
        Swap(_folder.Records);
        using (var device = _folder.Open())
        {
            device.LoadSums(mark, 0);
            Assert.Throws<DamageException>(() => device.Verify(0, Tail));
            Assert.Equal(new byte[512], ReadNow(device, SegmentBytes, 512));
            Assert.Equal(0, device.Damage!.Address);
        }
        Swap(_folder.Sums); // now both are
        Refused(mark);
    }

    [Fact]
    public void A_mark_that_names_too_little_is_refused()
    {
        var mark = Save();
        Refused(mark with { Segments = [mark.Segments[0], mark.Segments[2]] });
        Refused(mark with { Segments = [mark.Segments[0], mark.Segments[1]] });
        Refused(mark with { Tail = Tail - 512 });
        Refused(mark with { Tail = Tail - 1 });
        Refused(mark with { TailSum = mark.TailSum ^ 1 });
    }

    [Fact]
    public void Sums_that_did_not_reach_the_disk_are_saved_again()
    {
        using var device = _folder.Open();
        Fill(device, 0, _bytes);
        device.Flush();
        _folder.Disk.WritableBytes = 100;
        Assert.Throws<IOException>(() => device.SaveSums(Tail));
        _folder.Disk.WritableBytes = long.MaxValue;
        _folder.Disk.FailingSyncs = 1;
        Assert.Throws<IOException>(() => device.SaveSums(Tail));
        var mark = device.SaveSums(Tail);
        using var again = _folder.Open();
        again.LoadSums(mark, 0);
        VerifyAll(again, 0, Tail);
    }
}
