using Xunit;

namespace ReadStateStream.Unit;

/// <summary>The shared folder with vectors and data: beside the repository, or where SHARED says.</summary>
internal static class SharedFolder
{
    /// <summary>Path of a file in it; skips the running test where it is absent.</summary>
    public static string File(params string[] relative)
    {
        var root = Environment.GetEnvironmentVariable("SHARED");
        if (string.IsNullOrEmpty(root)) root = Path.Combine(Path.GetDirectoryName(RepositoryRoot())!, "shared");
        var path = Path.Combine([root, .. relative]);
        Assert.SkipUnless(System.IO.File.Exists(path), $"{string.Join('/', relative)} is not in the shared folder; set SHARED");
        return path;
    }

    private static string RepositoryRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!System.IO.File.Exists(Path.Combine(folder, "ReadStateStream.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("not inside the repository");
        return folder;
    }
}
