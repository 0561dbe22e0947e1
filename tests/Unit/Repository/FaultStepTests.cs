using System.Text.RegularExpressions;
using Xunit;

namespace ReadStateStream.Unit.Repository;

/// <summary>The crash harness goes through a list: a step that the code names and the list lacks would never be tried.</summary>
public class FaultStepTests
{
    private static readonly Regex Call = new(@"\bReach(?:\?\.Invoke)?\((?<argument>[^)]*)\)");
    private static readonly Regex Literal = new(@"^""(?<step>[a-z-]+)""$");

    private static IEnumerable<(string Path, string Argument)> Calls =>
        from file in SourceTree.Files
        where file.IsCSharp && file.IsProduct
        from Match call in Call.Matches(file.Text)
        where !call.Groups["argument"].Value.StartsWith("string ", StringComparison.Ordinal)
        select (file.Path, call.Groups["argument"].Value);

    [Fact]
    public void Every_step_in_the_code_is_in_the_list_and_the_other_way_round()
    {
        var steps = Calls.Select(call => Literal.Match(call.Argument)).Where(match => match.Success).Select(match => match.Groups["step"].Value);
        Assert.Equal(FaultSteps.All.Order(), steps.Distinct().Order());
        Assert.Equal(FaultSteps.All.Count, FaultSteps.All.Distinct().Count());
    }

    [Fact]
    public void A_step_is_named_where_it_is_reached() =>
        Assert.All(Calls, call => Assert.Matches(Literal, call.Argument));
}
