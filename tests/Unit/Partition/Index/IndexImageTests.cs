using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Store;
using Xunit;

namespace ReadStateStream.Unit.Partition.Index;

/// <summary>A store opened by a copy of its index holds what the same store opened by a scan of its record log holds.</summary>
public class IndexImageTests
{
    private const int Places = 10;

    /// <summary>Seed, chains of the index, keys: chains of one line and of many, and with more entries than a byte counts.</summary>
    public static TheoryData<int, int, int> Stores => new()
    {
        { 1, 4096, 2_000 }, { 2, 256, 2_000 }, { 3, 256, 4_000 }, { 4, 64, 4_000 }, { 5, 64, 30_000 },
    };

    [Theory]
    [MemberData(nameof(Stores))]
    public void What_an_image_and_a_scan_recover_is_the_same(int seed, int indexLines, int keys)
    {
        using var product = new ImagedStore(seed, indexLines, keys);
        product.Change(keys * 2);
        product.Capture();
        product.Change(500);
        var manifest = product.Fold();
        Assert.NotNull(manifest.Image);
        Assert.InRange(manifest.Image.Start, manifest.Fold.Begin + 1, manifest.Fold.Tail - 1);
        Assert.True(product.Compactions > 0);
        RequireSame(product, manifest);
    }

    [Fact]
    public void Later_checkpoints_go_on_with_the_image_of_an_earlier_one()
    {
        using var product = new ImagedStore(11, 256, 2_000);
        product.Change(4_000);
        product.Capture();
        var image = product.Fold().Image;
        for (var round = 0; round < 5; round++)
        {
            product.Change(300);
            product.CompactAPage();
            var manifest = product.Fold();
            Assert.Equal(image, manifest.Image);
            RequireSame(product, manifest);
        }
    }

    /// <summary>
    /// What FASTER goes through and does not keep in memory stays in the frames: the free rest of later pages would hold
    /// old records, which a scan takes for new ones.
    /// </summary>
    [Fact]
    public void Nothing_that_was_gone_through_comes_back_in_later_pages()
    {
        using var product = new ImagedStore(17, 64, 150);
        product.Change(300);
        product.Capture();
        product.Change(2_000);
        var manifest = product.Fold();
        Assert.NotNull(manifest.Image);
        Assert.InRange(manifest.Image.Start, 1, manifest.Fold.Tail - (long)(2.5 * manifest.Fold.LiveBytes) - (8 << 10));
        product.GoOnFrom(manifest);
        // Once round the ring and half as much again.
        while (product.Store.TailAddress < manifest.Fold.Tail + (192 << 10)) product.Change(10);
        var after = product.Fold();
        Assert.Equal(-1, product.FirstLeftBehind(manifest.Fold.Tail, after.Fold.Tail));
        RequireSame(product, after);
    }

    [Fact]
    public void An_image_that_compaction_has_passed_is_named_no_more()
    {
        using var product = new ImagedStore(12, 256, 2_000);
        product.Change(6_000);
        product.Capture();
        var first = product.Fold();
        Assert.NotNull(first.Image);
        product.Change(4_000);
        product.Fold();
        while (product.Store.BeginAddress <= first.Image.Start) product.CompactAPage();
        var manifest = product.Fold();
        Assert.Null(manifest.Image);
        product.Images.DeleteUnnamed([manifest]);
        Assert.Empty(Directory.GetFiles(product.Folder, "index.*"));
        using (var scanned = product.Open(manifest, mayUseImage: true).Store) Assert.Null(product.Difference(scanned));
        // One that a manifest of then still names: a scan from the begin is shorter.
        var opened = product.Open(manifest with { Image = first.Image }, mayUseImage: true);
        Assert.Null(opened.Image);
        Assert.Empty(product.Said.ImagesPassedOver);
        opened.Store.Dispose();
    }

    [Fact]
    public void A_damaged_cut_or_missing_image_is_said_and_its_log_is_scanned()
    {
        using var product = new ImagedStore(13, 256, 2_000);
        product.Change(4_000);
        product.Capture();
        var manifest = product.Fold();
        var path = Path.Combine(product.Folder, IndexImageName.Of(manifest.Image!.Number));
        var bytes = File.ReadAllBytes(path);
        Assert.Equal(manifest.Image.Bytes, bytes.Length);
        for (var place = 0; place < Places; place++)
        {
            var at = (int)((long)bytes.Length * place / Places);
            Write(path, bytes[..at]);
            RequireScan(product, manifest, place * 2);
            var flipped = (byte[])bytes.Clone();
            flipped[Math.Min(bytes.Length - 1, at + (place * 7 % 64))] ^= 0x10;
            Write(path, flipped);
            RequireScan(product, manifest, (place * 2) + 1);
        }
        Write(path, [.. bytes, 0]);
        RequireScan(product, manifest, Places * 2);
        File.Delete(path);
        RequireScan(product, manifest, (Places * 2) + 1);
        Write(path, bytes);
        RequireSame(product, manifest);
    }

    [Fact]
    public void An_image_of_something_else_is_not_taken()
    {
        using var product = new ImagedStore(14, 256, 2_000);
        product.Change(4_000);
        product.Capture();
        var manifest = product.Fold();
        RequireScan(product, manifest with { Lineage = 257, Image = manifest.Image! with { Start = manifest.Image.Start + 8 } }, 0);
        RequireScan(product, manifest with { Image = manifest.Image with { Checksum = manifest.Image.Checksum + 1 } }, 1);
        RequireScan(product, manifest with { Image = manifest.Image with { Entries = manifest.Image.Entries + 1 } }, 2);
        using var opened = product.Open(manifest, mayUseImage: false).Store;
        Assert.Equal(3, product.Said.ImagesPassedOver.Count);
        Assert.Null(product.Difference(opened));
    }

    [Fact]
    public void What_goes_wrong_with_a_copy_costs_the_copy_alone()
    {
        using var product = new ImagedStore(15, 256, 2_000);
        Exception? said = null;
        product.Images.OnEnded = (_, error) => said = error;
        product.Change(4_000);
        // Its name is taken by a folder.
        Directory.CreateDirectory(Path.Combine(product.Folder, IndexImageName.Of(1)));
        product.Capture();
        var manifest = product.Fold();
        Assert.Null(manifest.Image);
        Assert.NotNull(said);
        Assert.Equal((0, 1), (product.Images.Completed, product.Images.GivenUp));
        RequireSame(product, manifest);
        // The next checkpoint tries again.
        product.Capture();
        manifest = product.Fold();
        Assert.NotNull(manifest.Image);
        RequireSame(product, manifest);
    }

    [Fact]
    public void Manifests_of_before_there_were_images_are_read()
    {
        using var product = new ImagedStore(16, 256, 100);
        product.Change(100);
        var manifest = product.Fold();
        var text = System.Text.Encoding.UTF8.GetString(manifest.Encode());
        var body = text[..text.IndexOf('\n', StringComparison.Ordinal)].Replace(",\"Image\":null", "", StringComparison.Ordinal);
        Assert.DoesNotContain("Image", body, StringComparison.Ordinal);
        var bytes = System.Text.Encoding.UTF8.GetBytes(body);
        var hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes));
        var decoded = CheckpointManifest.Decode("manifest", [.. bytes, (byte)'\n', .. System.Text.Encoding.ASCII.GetBytes(hash), (byte)'\n']);
        Assert.Null(decoded.Image);
        Assert.Equal(manifest.Fold, decoded.Fold);
    }

    private static void RequireSame(ImagedStore product, CheckpointManifest manifest)
    {
        var byScan = product.Open(manifest, mayUseImage: false);
        Assert.Null(byScan.Image);
        using (var scanned = byScan.Store)
        {
            Assert.Null(product.Difference(scanned));
            Assert.Equal(manifest.Fold.LiveBytes, scanned.Figures.LiveBytes);
        }
        var byImage = product.Open(manifest, mayUseImage: true);
        Assert.Equal(manifest.Image, byImage.Image);
        using var loaded = byImage.Store;
        Assert.Null(product.Difference(loaded));
        Assert.Equal(manifest.Fold.LiveBytes, loaded.Figures.LiveBytes);
        Assert.Equal((manifest.Fold.Begin, manifest.Fold.Tail), (loaded.BeginAddress, manifest.Fold.Tail));
    }

    private static void RequireScan(ImagedStore product, CheckpointManifest manifest, int saidBefore)
    {
        Assert.Equal(saidBefore, product.Said.ImagesPassedOver.Count);
        var opened = product.Open(manifest, mayUseImage: true);
        Assert.Null(opened.Image);
        Assert.Equal(saidBefore + 1, product.Said.ImagesPassedOver.Count);
        using var store = opened.Store;
        Assert.Null(product.Difference(store));
    }

    private static void Write(string path, byte[] bytes) => File.WriteAllBytes(path, bytes);
}
