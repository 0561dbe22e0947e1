using ReadStateStream.Snapshot.Files;
using Xunit;

namespace ReadStateStream.Unit.Snapshot;

/// <summary>Which runs are merged.</summary>
public class MergePlanTests
{
    private static string? Next(long[] lengths, params int[] busy) =>
        MergePlan.Next(lengths, run => busy.Contains(run), small: 10) is { } range ? $"{range.First}+{range.Count}" : null;

    [Fact]
    public void Newer_runs_of_a_tier_become_one_and_all_become_the_oldest_when_they_are_as_long()
    {
        Assert.Null(Next([]));
        Assert.Null(Next([1000]));
        Assert.Null(Next([1000, 20, 20, 20]));
        Assert.Equal("1+4", Next([1000, 20, 20, 20, 20]));
        Assert.Null(Next([1000, 300, 100, 40, 20]));
        Assert.Equal("2+4", Next([9000, 900, 20, 21, 22, 23]));
        Assert.Equal("0+3", Next([1000, 800, 200]));
        // Tiny ones wait for company.
        Assert.Null(Next([1, 1, 1, 1]));
        Assert.Equal("0+5", Next([1, 1, 1, 1, 1]));
    }

    [Fact]
    public void What_is_being_merged_is_left_alone()
    {
        Assert.Null(Next([1000, 800, 200], 0, 1, 2));
        Assert.Equal("3+4", Next([1000, 800, 200, 20, 20, 20, 20], 0, 1, 2));
        Assert.Null(Next([1000, 20, 20, 20, 20], 2));
    }

    [Fact]
    public void There_are_never_many()
    {
        // Lengths that double, so that no two are of a tier.
        var lengths = Enumerable.Range(0, 40).Select(static i => 1L << (50 - i)).Select(static length => Math.Max(length, 3)).ToArray();
        lengths = [.. lengths.Take(1), .. lengths.Skip(1).Where((_, i) => i % 2 == 1)];
        Assert.True(lengths.Length < MergePlan.RunsMax);
        var many = Enumerable.Range(0, MergePlan.RunsMax + 1).Select(static i => (long)Math.Pow(2.5, MergePlan.RunsMax - i) * 20).ToArray();
        Assert.Equal($"1+{MergePlan.RunsMax}", Next(many));
    }
}
