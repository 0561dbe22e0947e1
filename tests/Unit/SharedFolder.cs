using ReadStateStream.Harness;
using Xunit;

namespace ReadStateStream.Unit;

/// <summary>The shared folder with vectors and data: beside the repository, or where SHARED says.</summary>
internal static class SharedFolder
{
    /// <summary>Path of a file in it; skips the running test where it is absent.</summary>
    public static string File(params string[] relative)
    {
        var path = Path.Combine([Checkout.Shared, .. relative]);
        Assert.SkipUnless(System.IO.File.Exists(path), $"{string.Join('/', relative)} is not in the shared folder; set SHARED");
        return path;
    }
}
