using System.Buffers.Binary;
using ReadStateStream.Fold;
using ReadStateStream.Partition.Log;
using ReadStateStream.Partition.Store;
using Xunit;

namespace ReadStateStream.Unit.Partition;

/// <summary>Records that are asked for again while they come from disk: FASTER 2.6.5 then loses them, the store must not.</summary>
public sealed class AskedTwiceTests(ITestOutputHelper output) : IDisposable
{
    private const int Records = 300, ValueBytes = 900;

    private readonly string folder = Directory.CreateTempSubdirectory("readstate-test-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    /// <summary>
    /// The first record is asked for, then so many others, then the first again: by the second answer its copy
    /// is read-only, or on the page that making room for the next copy takes away.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_record_asked_for_twice_with_any_number_of_others_between_keeps_its_value(bool prefetch)
    {
        var wrong = new List<string>();
        for (var between = 40; between < 90; between++)
        {
            using var store = Filled(between);
            store.Enter();
            var keys = Enumerable.Range(0, between + 1).Select(Key).Append(Key(0)).ToArray();
            if (prefetch) store.Prefetch(keys);
            else foreach (var key in keys) Assert.False(store.TryReadInMemory(key, out _));
            Assert.True(store.CompleteAsked(wait: true));
            for (var i = 0; i < Records; i++)
            {
                var value = store.Read(Key(i));
                if (value.Length != ValueBytes || BinaryPrimitives.ReadInt32LittleEndian(value) != i + 1)
                    wrong.Add($"{between} between: record {i} has {value.Length} bytes");
            }
            store.Exit();
        }
        output.WriteLine(string.Join('\n', wrong));
        Assert.Empty(wrong);
    }

    // Only the newest of them are in memory.
    private StateStore Filled(int number)
    {
        var device = new FileDevice(
            Path.Combine(folder, $"store-{number}"), new FileDeviceOptions { DeleteOnClose = true, MaxParallelism = 1 });
        var store = new StateStore(PartitionTester.Tiny(), StoredPolicy.From(new PolicyOptions()), device);
        store.Enter();
        for (var i = 0; i < Records; i++)
        {
            store.Scratch[..ValueBytes].Clear();
            BinaryPrimitives.WriteInt32LittleEndian(store.Scratch, i + 1);
            store.WriteExactly(Key(i), ValueBytes, ValueBytes);
        }
        store.Exit();
        return store;
    }

    private static Key16 Key(int number) => Key16.OfChannel(77, SubKind.Block, (uint)number);
}
