using System.Text.RegularExpressions;
using Xunit;

namespace ReadStateStream.Unit.Repository;

/// <summary>docs/flow.md names files and methods: each must exist, so that the page does not rot.</summary>
public class FlowPageTests
{
    private static readonly Regex FileName = new(@"`(?<file>(?:[\w.-]+/)+[\w.-]+\.cs)`");
    private static readonly Regex MethodName = new(@"`(?<type>[A-Z]\w+)\.(?<method>[A-Z]\w+)`");

    [Fact]
    public void Every_file_and_method_named_in_the_flow_page_exists() => Assert.Empty(Missing(Page));

    /// <summary>The stages of the product's own folders are all on the page.</summary>
    [Theory]
    [InlineData("processor/Host/Ingest/")]
    [InlineData("processor/Host/PartitionQueries/")]
    [InlineData("processor/Partition/Log/")]
    [InlineData("processor/Partition/Decode/")]
    [InlineData("processor/Partition/Store/")]
    [InlineData("processor/Partition/Query/")]
    [InlineData("processor/Fold/")]
    [InlineData("query-api/Http/")]
    [InlineData("query-api/Reads/")]
    [InlineData("query-api/Routing/")]
    [InlineData("schemas/")]
    public void The_flow_page_passes_through(string folder) =>
        Assert.Contains(FileName.Matches(Page), name => name.Groups["file"].Value.StartsWith(folder, StringComparison.Ordinal));

    [Fact]
    public void A_file_a_type_or_a_method_that_is_gone_is_noticed()
    {
        Assert.Equal(["processor/Fold/Gone.cs"], Missing("`processor/Fold/Gone.cs`"));
        Assert.Equal(["Gone.Apply"], Missing("`Gone.Apply`"));
        Assert.Equal(["Aggregates.Gone"], Missing("`Aggregates.Gone`"));
        // Called there, but a method of another type.
        Assert.Equal(["Aggregates.UpdateReadState"], Missing("`Aggregates.UpdateReadState`"));
        Assert.Empty(Missing("`processor/Partition/Store/Aggregates.cs`: `Aggregates.Apply`"));
    }

    private static string Page => SourceTree.Files.Single(file => file.Path == "docs/flow.md").Text;

    private static List<string> Missing(string page)
    {
        var files = FileName.Matches(page).Select(name => name.Groups["file"].Value)
            .Where(path => SourceTree.Files.All(file => file.Path != path));
        var methods = MethodName.Matches(page)
            .Where(name => !IsDeclared(name.Groups["type"].Value, name.Groups["method"].Value))
            .Select(name => $"{name.Groups["type"].Value}.{name.Groups["method"].Value}");
        return [.. files.Concat(methods).Distinct()];
    }

    private static bool IsDeclared(string type, string method)
    {
        var declaresType = new Regex($@"\b(?:class|struct|record|interface) {type}\b");
        // A declaration has its type before the name, a call has not.
        var declaresMethod = new Regex($@"^ +(?:(?:public|internal|private|protected|static|async|override|virtual|readonly) )*(?!return |await |throw |new |else )[\w.<>?\[\](), ]+ {method}(?:<[\w, ]+>)?\(",
            RegexOptions.Multiline);
        return SourceTree.Files.Any(file => file is { IsCSharp: true, IsProduct: true } && declaresType.IsMatch(file.Text) && declaresMethod.IsMatch(file.Text));
    }
}
