using System.Reflection;
using FASTER.core;
using ReadStateStream.Unit.Generators;
using Xunit;

namespace ReadStateStream.Unit.Partition.Recovery;

/// <summary>
/// What was found in FASTER 2.6.5, shown on bare FASTER, and what the product makes of the same. What cannot be shown
/// is kept out of the product's code by a rule of TidyTests.
/// </summary>
public sealed class FasterFindingsTests : IDisposable
{
    private const int Keys = 20_000;

    private readonly string folder = Directory.CreateTempSubdirectory("readstate-findings-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>A checkpoint whose snapshot file could not be written is called a success, and cannot be recovered.</summary>
    [Fact]
    public async Task Bare_a_snapshot_that_was_not_written_is_a_success()
    {
        using (var bare = Bare.Open(folder, out var snapshots))
        {
            bare.Fill(Keys);
            snapshots.Fails = true;
            var (success, _) = await bare.Store.TakeHybridLogCheckpointAsync(CheckpointType.Snapshot, cancellationToken: TestContext.Current.CancellationToken);
            Assert.True(success);
            Assert.True(snapshots.Refused > 0);
        }
        using var again = Bare.Open(folder, out _);
        var found = 0;
        try
        {
            again.Store.Recover();
            found = again.Count(Keys);
        }
        catch (Exception error) when (error is FasterException or IOException)
        {
            // Or it does not open at all: the one before was deleted in its favour.
        }
        Assert.True(found < Keys, "the checkpoint held everything");
    }

    /// <summary>The middle of the log is zeros: it recovers, and says nothing.</summary>
    [Fact]
    public async Task Bare_a_zeroed_middle_recovers_without_a_word()
    {
        using (var bare = Bare.Open(folder, out _))
        {
            bare.Fill(Keys);
            var (success, _) = await bare.Store.TakeFullCheckpointAsync(CheckpointType.FoldOver, cancellationToken: TestContext.Current.CancellationToken);
            Assert.True(success);
        }
        Zero(Path.Combine(folder, "log.0"));
        using var again = Bare.Open(folder, out _);
        again.Store.Recover();
        Assert.InRange(again.Count(Keys), 0, Keys - 1);
    }

    [Fact]
    public void Product_a_zeroed_middle_is_passed_over_and_said()
    {
        var many = new InterleavedLogs(80_000, 20, 200);
        using var product = DurablePartition.WithoutSnapshots(many.Policy.ToOptions());
        foreach (var record in many.Events()) product.Tester.Append(record);
        product.Checkpoint();
        product.Kill();
        Zero(Path.Combine(product.MachineFolder, "records.0"));
        product.Run();
        Assert.NotEmpty(product.Said.PassedOverReasons);
        Assert.Null(many.FirstDifference(product.Tester));
    }

    /// <summary>A write of the log fails during a fold-over: the flushed address never gets there, whoever waits waits for ever.</summary>
    [Fact]
    public void Bare_a_failed_write_of_the_log_is_never_done_again()
    {
        using var bare = Bare.Open(folder, out _, out var log);
        bare.Fill(1_000);
        log.Fails = true;
        bare.Store.Log.ShiftReadOnlyAddress(bare.Store.Log.TailAddress, wait: false);
        Assert.True(log.Refused > 0);
        log.Fails = false;
        // Space is there again, and more is written and flushed: what failed is never written, nothing above it counts.
        var stopped = bare.FlushedUntil;
        bare.Fill(1_000);
        bare.Store.Log.ShiftReadOnlyAddress(bare.Store.Log.TailAddress, wait: false);
        Assert.Equal(stopped, bare.FlushedUntil);
        Assert.True(stopped < bare.Store.Log.ReadOnlyAddress);
    }

    /// <summary>The same in the product: TroubleTests has it reported, waited out, and written when there is space again.</summary>
    [Fact]
    public void Product_a_failed_write_of_the_log_is_done_again()
    {
        var many = new InterleavedLogs(81_000, 5, 100);
        using var product = DurablePartition.WithoutSnapshots(many.Policy.ToOptions());
        foreach (var record in many.Events()) product.Tester.Append(record);
        product.Run();
        product.MachineDisk.IsFull = true;
        product.Partition.Persistence!.Checkpointer.Begin(product.Partition.Position);
        Assert.NotNull(product.Partition.Persistence.Device.Stuck);
        product.MachineDisk.IsFull = false;
        product.Partition.Persistence.Device.TryComplete();
        Assert.Null(product.Partition.Persistence.Device.Stuck);
        product.SettleBeside();
        Assert.Equal(product.Partition.Position, product.Partition.Persistence.Checkpointer.Newest!.Mark.Position);
    }

    /// <summary>A checkpoint truncates the log to its begin address although nobody asked for it.</summary>
    [Fact]
    public async Task Bare_every_checkpoint_truncates()
    {
        using var bare = Bare.Open(folder, out _, out var log);
        bare.Fill(Keys);
        bare.Store.Log.ShiftBeginAddress(bare.Store.Log.TailAddress / 2, snapToPageStart: true, truncateLog: false);
        Assert.Equal(0, log.Truncations);
        await bare.Store.TakeHybridLogCheckpointAsync(CheckpointType.FoldOver, cancellationToken: TestContext.Current.CancellationToken);
        await log.Truncated.WaitAsync(TestContext.Current.CancellationToken);
        Assert.True(log.Truncations > 0);
    }

    /// <summary>Torn metadata and "recover latest": an empty store, silently, where there were twenty thousand keys.</summary>
    [Fact]
    public async Task Bare_torn_metadata_and_recover_latest_make_an_older_or_empty_store()
    {
        using (var bare = Bare.Open(folder, out _))
        {
            bare.Fill(100);
            await bare.Store.TakeFullCheckpointAsync(CheckpointType.FoldOver, cancellationToken: TestContext.Current.CancellationToken);
            bare.Fill(Keys);
            await bare.Store.TakeFullCheckpointAsync(CheckpointType.FoldOver, cancellationToken: TestContext.Current.CancellationToken);
        }
        var newest = new DirectoryInfo(Path.Combine(folder, "checkpoints", "cpr-checkpoints")).EnumerateDirectories().MaxBy(d => d.LastWriteTimeUtc)!;
        foreach (var file in newest.EnumerateFiles()) File.WriteAllBytes(file.FullName, new byte[file.Length]);
        using var again = Bare.Open(folder, out _);
        var found = 0;
        try
        {
            again.Store.Recover();
            found = again.Count(Keys);
        }
        catch (FasterException)
        {
            // Nothing else to recover by: also not a word about why.
        }
        Assert.True(found < Keys);
    }

    private static void Zero(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
        var from = file.Length / 4;
        file.Position = from;
        file.Write(new byte[file.Length / 2]);
    }

    /// <summary>FASTER as it comes.</summary>
    private sealed class Bare : IDisposable
    {
        private readonly ClientSession<long, long, long, long, Empty, SimpleFunctions<long, long>> session;

        private Bare(string folder, FlakyDevice log, FlakyDevices snapshots)
        {
            Store = new FasterKV<long, long>(
                1 << 14, new LogSettings { LogDevice = log, PageSizeBits = 12, MemorySizeBits = 20, SegmentSizeBits = 22 },
                new FASTER.core.CheckpointSettings
                {
                    CheckpointManager = new DeviceLogCommitCheckpointManager(
                        snapshots, new DefaultCheckpointNamingScheme(Path.Combine(folder, "checkpoints")), removeOutdated: true),
                });
            session = Store.For(new SimpleFunctions<long, long>()).NewSession(new SimpleFunctions<long, long>());
            this.log = log;
        }

        private readonly FlakyDevice log;

        public FasterKV<long, long> Store { get; }

        public static Bare Open(string folder, out FlakyDevices snapshots) => Open(folder, out snapshots, out _);

        public static Bare Open(string folder, out FlakyDevices snapshots, out FlakyDevice log)
        {
            snapshots = new FlakyDevices(Path.Combine(folder, "checkpoints"));
            log = new FlakyDevice(new ManagedLocalStorageDevice(Path.Combine(folder, "log")), () => false);
            return new Bare(folder, log, snapshots);
        }

        /// <summary>Address up to which FASTER counts its log as written.</summary>
        public long FlushedUntil
        {
            get
            {
                var pages = typeof(FasterKV<long, long>).GetField("hlog", BindingFlags.Instance | BindingFlags.NonPublic)!.GetValue(Store)!;
                return (long)pages.GetType().GetField("FlushedUntilAddress", BindingFlags.Instance | BindingFlags.Public)!.GetValue(pages)!;
            }
        }

        public void Fill(int keys)
        {
            for (long key = 0; key < keys; key++) session.Upsert(key, key + 1);
        }

        public int Count(int keys)
        {
            var found = 0;
            for (long key = 0; key < keys; key++)
            {
                var (status, value) = session.Read(key);
                if (status.IsPending)
                {
                    session.CompletePendingWithOutputs(out var outputs, wait: true);
                    while (outputs.Next())
                        if (outputs.Current.Status.Found && outputs.Current.Output == key + 1) found++;
                }
                else if (status.Found && value == key + 1) found++;
            }
            return found;
        }

        public void Dispose()
        {
            session.Dispose();
            Store.Dispose();
            log.Dispose();
        }
    }

    private sealed class FlakyDevices(string folder) : INamedDeviceFactory
    {
        private readonly LocalStorageNamedDeviceFactory real = new();

        public bool Fails { get; set; }

        public int Refused { get; private set; }

        public void Initialize(string baseName) => real.Initialize(baseName.Length == 0 ? folder : baseName);

        public IDevice Get(FileDescriptor fileInfo)
        {
            var device = real.Get(fileInfo);
            return fileInfo.fileName.Contains("snapshot", StringComparison.Ordinal) ? new FlakyDevice(device, () => Fails, () => Refused++) : device;
        }

        public IEnumerable<FileDescriptor> ListContents(string path) => real.ListContents(path);

        public void Delete(FileDescriptor fileInfo) => real.Delete(fileInfo);
    }

    private sealed class FlakyDevice(IDevice real, Func<bool> fails, Action? onRefused = null)
        : StorageDeviceBase(real.FileName, real.SectorSize, real.Capacity)
    {
        private const uint InputOutputError = 5;

        public bool Fails { get; set; }

        public int Refused { get; private set; }

        public int Truncations { get; private set; }

        public SemaphoreSlim Truncated { get; } = new(0);

        public override void Initialize(long segmentSize, LightEpoch epoch = null!, bool omitSegmentIdFromFilename = false)
        {
            base.Initialize(segmentSize, epoch, omitSegmentIdFromFilename);
            real.Initialize(segmentSize, epoch, omitSegmentIdFromFilename);
        }

        public override void WriteAsync(IntPtr sourceAddress, int segmentId, ulong destinationAddress, uint numBytesToWrite, DeviceIOCompletionCallback callback, object context)
        {
            if (Fails || fails())
            {
                Refused++;
                onRefused?.Invoke();
                callback(InputOutputError, 0, context);
                return;
            }
            real.WriteAsync(sourceAddress, segmentId, destinationAddress, numBytesToWrite, callback, context);
        }

        public override void ReadAsync(int segmentId, ulong sourceAddress, IntPtr destinationAddress, uint readLength, DeviceIOCompletionCallback callback, object context) =>
            real.ReadAsync(segmentId, sourceAddress, destinationAddress, readLength, callback, context);

        public override void TruncateUntilAddress(long toAddress)
        {
            Truncations++;
            Truncated.Release();
        }

        public override void RemoveSegmentAsync(int segment, AsyncCallback callback, IAsyncResult result) => real.RemoveSegmentAsync(segment, callback, result);

        public override void Dispose() => real.Dispose();
    }
}
