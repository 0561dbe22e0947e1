using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xunit;

namespace ReadStateStream.Unit.Repository;

/// <summary>
/// The order of the stages (DESIGN.md §1), as project references: no stage refers beyond its neighbour, and
/// each third-party engine is behind one project. A new project must be named here.
/// </summary>
public class ArchitectureTests
{
    /// <summary>What each project may refer to. Tests not named here may refer to anything.</summary>
    private static readonly Dictionary<string, string[]> MayReferTo = new()
    {
        ["schemas/Schemas"] = [],
        ["processor/Fold/Fold"] = ["schemas/Schemas"],
        ["processor/Snapshot/Snapshot"] = ["schemas/Schemas", "processor/Fold/Fold"],
        ["processor/Partition/Partition"] = ["schemas/Schemas", "processor/Fold/Fold", "processor/Snapshot/Snapshot"],
        ["processor/Kafka/Kafka"] = ["schemas/Schemas", "processor/Snapshot/Snapshot", "processor/Partition/Partition"],
        ["processor/Host/Host"] =
            ["schemas/Schemas", "processor/Fold/Fold", "processor/Snapshot/Snapshot", "processor/Partition/Partition", "processor/Kafka/Kafka"],
        ["query-api/QueryApi"] = ["schemas/Schemas", "processor/Fold/Fold", "processor/Snapshot/Snapshot"],
        // Independent of what they judge, by compiler.
        ["tests/Oracle/Oracle"] = ["schemas/Schemas"],
        // Doubles and suites for any adapter: they see the port, no adapter of Host or Partition.
        ["tests/Contracts/Contracts"] = ["processor/Fold/Fold", "processor/Snapshot/Snapshot"],
        ["tests/Harness/Harness"] = ["schemas/Schemas"],
        ["tests/Drivers/Drivers"] = ["schemas/Schemas", "tests/Harness/Harness", "tests/Oracle/Oracle"],
    };

    /// <summary>Engines, and the one folder of the product that knows them (by package and by namespace).</summary>
    private static readonly (string Package, string Namespace, string Folder)[] Engines =
    [
        ("Microsoft.FASTER.Core", "FASTER", "processor/Partition/"),
        ("Confluent.Kafka", "Confluent.Kafka", "processor/Kafka/"),
        ("CassandraCSharpDriver", "Cassandra", "processor/Cassandra/"),
    ];

    private sealed record Project(string Name, string[] References, string[] Packages, bool HasOwnVersions);

    private static IEnumerable<Project> Projects =>
        SourceTree.Files.Where(file => file.Path.EndsWith(".csproj", StringComparison.Ordinal)).Select(Read);

    private static bool IsTest(string project) => project.StartsWith("tests/", StringComparison.Ordinal);

    private static Project Read(SourceFile file)
    {
        var xml = XDocument.Parse(file.Text);
        var folder = Path.GetDirectoryName(Path.Combine(SourceTree.Root, file.Path))!;
        string NameOf(string include) => Path.ChangeExtension(
            Path.GetRelativePath(SourceTree.Root, Path.GetFullPath(Path.Combine(folder, include.Replace('\\', '/')))), null).Replace('\\', '/');
        var packages = xml.Descendants("PackageReference").ToList();
        return new Project(
            Path.ChangeExtension(file.Path, null),
            [.. xml.Descendants("ProjectReference").Select(r => NameOf(r.Attribute("Include")!.Value))],
            [.. packages.Select(p => p.Attribute("Include")!.Value)],
            packages.Any(p => p.Attribute("Version") is not null));
    }

    [Fact]
    public void No_stage_refers_beyond_its_neighbour()
    {
        var wrong = new List<string>();
        foreach (var project in Projects)
        {
            if (!MayReferTo.TryGetValue(project.Name, out var allowed))
            {
                if (!IsTest(project.Name)) wrong.Add($"{project.Name} is a project that this test does not know");
                continue;
            }
            wrong.AddRange(project.References.Except(allowed).Select(r => $"{project.Name} refers to {r}"));
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void Every_project_named_here_exists() =>
        Assert.Empty(MayReferTo.Keys.Except(Projects.Select(project => project.Name)));

    [Fact]
    public void The_product_refers_to_no_test() =>
        Assert.Empty(Projects.Where(p => !IsTest(p.Name) && p.References.Any(IsTest)).Select(p => p.Name));

    [Fact]
    public void Each_engine_is_referenced_by_one_project_of_the_product()
    {
        var wrong = new List<string>();
        foreach (var (package, name, folder) in Engines)
        {
            var use = new Regex($@"^\s*(?:global )?using (?:static )?(?:\w+ = )?{Regex.Escape(name)}(?:\.|;)", RegexOptions.Multiline);
            wrong.AddRange(Projects.Where(p => !IsTest(p.Name) && p.Packages.Contains(package) && !p.Name.StartsWith(folder, StringComparison.Ordinal))
                .Select(p => $"{p.Name} references {package}"));
            // A package reaches the projects above by transitivity: there its namespace must not be used either.
            wrong.AddRange(SourceTree.Files.Where(f => f.IsCSharp && f.IsProduct && !f.Path.StartsWith(folder, StringComparison.Ordinal) && use.IsMatch(f.Text))
                .Select(f => $"{f.Path} uses {name}"));
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.Contains(Projects, p => p.Packages.Contains("Microsoft.FASTER.Core"));
    }

    [Fact]
    public void The_fold_is_pure()
    {
        var impure = new Regex(@"\b(?:System\.IO|System\.Net|System\.Threading|TimeProvider|Stopwatch|Environment|Random|Task|async)\b");
        var fold = SourceTree.Files.Where(f => f.IsCSharp && f.Path.StartsWith("processor/Fold/", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(fold);
        var wrong = fold.SelectMany(f => f.Lines.Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal) && impure.IsMatch(line))
            .Select(line => $"{f.Path}: {line.Trim()}"));
        Assert.Empty(wrong);
    }

    [Fact]
    public void Package_versions_are_central() =>
        Assert.Empty(Projects.Where(p => p.HasOwnVersions).Select(p => p.Name));
}
