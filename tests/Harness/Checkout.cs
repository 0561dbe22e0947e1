namespace ReadStateStream.Harness;

/// <summary>The repository that a test was built in, and what lies beside it.</summary>
public static class Checkout
{
    /// <summary>Its root.</summary>
    /// <exception cref="InvalidOperationException">The program does not lie in one.</exception>
    public static string Root => Find() ?? throw new InvalidOperationException($"no ReadStateStream.sln above {AppContext.BaseDirectory}");

    /// <summary>The folder of servers and data, that of <c>SHARED</c> or the one beside the repository; it need not exist.</summary>
    public static string Shared =>
        Environment.GetEnvironmentVariable("SHARED") is { Length: > 0 } given ? given
        : Find() is { } root ? Path.Combine(root, "..", "shared") : "";

    private static string? Find()
    {
        for (var above = new DirectoryInfo(AppContext.BaseDirectory); above is not null; above = above.Parent)
            if (File.Exists(Path.Combine(above.FullName, "ReadStateStream.sln")))
                return above.FullName;
        return null;
    }
}
