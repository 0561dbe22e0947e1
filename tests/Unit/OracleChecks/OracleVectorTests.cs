using ReadStateStream.Oracle.Vectors;
using Xunit;

namespace ReadStateStream.Unit.OracleChecks;

/// <summary>The oracle agrees with every scenario of the shared vectors, so that it may judge.</summary>
public class OracleVectorTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("vectors.jsonl", 2)]
    [InlineData("random.jsonl", 0)]
    public async Task The_oracle_passes_every_vector(string file, int declinedByDecision)
    {
        var vectors = Vector.ReadFile(SharedFolder.File("vectors", file));
        var results = new List<VectorResult>();
        foreach (var vector in vectors)
            results.Add(await VectorPlayer.PlayAsync(vector, policy => new OracleSource(policy)));

        foreach (var failed in results.Where(result => result.Differences.Count > 0))
            output.WriteLine($"FAIL {failed.Id} under {vectors.Single(vector => vector.Id == failed.Id).Policy}\n  "
                + string.Join("\n  ", failed.Differences.Take(5)));
        output.WriteLine($"{file}: {results.Count(result => result.Passed)} passed, "
            + $"{results.Count(result => result.Differences.Count > 0)} failed, "
            + $"{results.Count(result => result.Declined is not null)} declined");
        Assert.NotEmpty(results);
        Assert.Equal(declinedByDecision, results.Count(result => result.Declined is not null));
        Assert.All(results.Where(result => result.Declined is null), result => Assert.True(result.Passed, result.Id));
    }
}
