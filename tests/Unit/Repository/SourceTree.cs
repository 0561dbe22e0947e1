using ReadStateStream.Harness;

namespace ReadStateStream.Unit.Repository;

/// <summary>The files of this repository as they lie on the disk, without what is built or ignored.</summary>
internal static class SourceTree
{
    private static readonly HashSet<string> IgnoredFolders =
        ["bin", "obj", ".git", ".local", ".vs", ".idea", ".vscode", "data", "TestResults", "BenchmarkDotNet.Artifacts"];

    private static readonly HashSet<string> IgnoredFiles = ["Registry.props", ".git"];

    /// <summary>Folder with ReadStateStream.sln.</summary>
    public static string Root { get; } = Checkout.Root;

    /// <summary>Folders of what runs in production.</summary>
    public static readonly string[] ProductFolders = ["schemas/", "processor/", "query-api/"];

    /// <summary>Every file: its path from the root, with slashes, and its text.</summary>
    public static IReadOnlyList<SourceFile> Files { get; } =
        [.. Walk(Root).Select(path => new SourceFile(Path.GetRelativePath(Root, path).Replace('\\', '/'), File.ReadAllText(path)))];

    private static IEnumerable<string> Walk(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal))
            if (!IgnoredFiles.Contains(Path.GetFileName(file)) && !file.EndsWith(".user", StringComparison.Ordinal)) yield return file;
        foreach (var sub in Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal))
            if (!IgnoredFolders.Contains(Path.GetFileName(sub)))
                foreach (var file in Walk(sub)) yield return file;
    }
}

/// <summary>A file of the repository.</summary>
internal sealed record SourceFile(string Path, string Text)
{
    public bool IsCSharp => Path.EndsWith(".cs", StringComparison.Ordinal);

    public bool IsProduct => SourceTree.ProductFolders.Any(folder => Path.StartsWith(folder, StringComparison.Ordinal));

    public bool IsTest => Path.StartsWith("tests/", StringComparison.Ordinal);

    public bool IsBenchmark => Path.StartsWith("tests/Benchmarks/", StringComparison.Ordinal);

    public bool IsScript => Path.StartsWith("script/", StringComparison.Ordinal) || Path.StartsWith(".ci/", StringComparison.Ordinal);

    public string[] Lines => Text.Split('\n');
}
