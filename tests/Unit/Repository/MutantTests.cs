using ReadStateStream.Harness;
using Xunit;

namespace ReadStateStream.Unit.Repository;

/// <summary>Mutants follow the code: one that no longer applies shows nothing, and script/mutants runs by hand.</summary>
public class MutantTests
{
    [Fact]
    public async Task Every_mutant_still_applies()
    {
        var patches = Directory.GetFiles(Path.Combine(Checkout.Root, "tests", "mutants"), "*.patch");
        Assert.NotEmpty(patches);
        List<string> stale = [];
        foreach (var patch in patches)
        {
            var (code, _, errors) = await ExternalProgram.TryRunAsync("git", ["-C", Checkout.Root, "apply", "--check", patch]);
            if (code != 0) stale.Add(errors);
        }
        Assert.Empty(stale);
    }
}
