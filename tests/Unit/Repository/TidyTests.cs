using System.Text.RegularExpressions;
using Xunit;

namespace ReadStateStream.Unit.Repository;

/// <summary>Lints the repository; each rule is also shown a file that breaks it.</summary>
public class TidyTests
{
    public static TheoryData<string> Rules => [.. Rule.All.Select(rule => rule.Name)];

    [Theory]
    [MemberData(nameof(Rules))]
    public void Every_file_keeps_the_rule(string name)
    {
        var rule = Rule.All.Single(r => r.Name == name);
        var breaches = SourceTree.Files.Where(rule.Concerns)
            .SelectMany(file => rule.Breaches(file).Select(breach => $"{file.Path}: {breach}")).ToList();
        Assert.True(breaches.Count == 0, string.Join('\n', breaches.Prepend(name)));
    }

    /// <summary>A path and a text that break the rule of the same place in <see cref="Rule.All"/>.</summary>
    private static readonly (string Path, string Text)[] Broken =
    [
        ("processor/Long.cs", string.Concat(Enumerable.Repeat("x\n", 500))),
        ("processor/Fine.cs", "internal sealed class Log" + "Manager;\n"),
        ("README.md", "see /" + "home/someone/notes\n"),
        ("NuGet.config", "<add key=\"x\" value=\"https://nuget-mir" + "ror.example/x\" />\n"),
        ("script/x", "# TO" + "DO\n"),
        ("query-api/X.cs", "var now = DateTimeOffset.UtcNow;\n"),
        ("tests/X.cs", "Thread." + "Sleep(1);\n"),
        ("tests/X.cs", "await Task." + "Delay(1);\n"),
        ("tests/X.cs", "[Fact(Sk" + "ip = \"later\")]\n"),
        ("processor/X.cs", "store.Compact<F>(functions, address, CompactionType.Scan);\n"),
        ("script/x", "#!/bin/sh\n"),
        ("docs/x.md", "trailing \n"),
    ];

    [Fact]
    public void Every_rule_finds_what_breaks_it()
    {
        Assert.Equal(Rule.All.Count, Broken.Length);
        foreach (var (rule, (path, text)) in Rule.All.Zip(Broken))
        {
            var file = new SourceFile(path, text);
            Assert.True(rule.Concerns(file), $"'{rule.Name}' does not look at {path}");
            Assert.True(rule.Breaches(file).Any(), $"'{rule.Name}' finds nothing in {path}");
        }
    }

    [Fact]
    public void The_solution_has_every_project_and_no_other()
    {
        var solution = SourceTree.Files.Single(file => file.Path == "ReadStateStream.sln");
        var named = Regex.Matches(solution.Text, @"""(?<path>[^""]+\.csproj)""").Select(m => m.Groups["path"].Value.Replace('\\', '/'));
        var present = SourceTree.Files.Select(file => file.Path).Where(path => path.EndsWith(".csproj", StringComparison.Ordinal));
        Assert.Equal(present.Order(StringComparer.Ordinal), named.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Scripts_can_be_executed()
    {
        if (OperatingSystem.IsWindows()) return;
        var scripts = SourceTree.Files.Where(file => file.IsScript).Select(file => Path.Combine(SourceTree.Root, file.Path)).ToList();
        Assert.NotEmpty(scripts);
        foreach (var script in scripts)
            if (!File.GetUnixFileMode(script).HasFlag(UnixFileMode.UserExecute)) Assert.Fail($"{script} is not executable");
    }
}
