using System.ComponentModel;
using System.Diagnostics;

namespace ReadStateStream.Crash;

/// <summary>File systems of one's own, where the system lets this process mount any.</summary>
internal static class Mounts
{
    /// <summary>A file system in memory at an existing folder; false where that is not allowed.</summary>
    public static Task<bool> TrySmallAsync(string folder, int megabytes) =>
        TryAsync("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "none", folder);

    /// <summary>Lays one folder over another; false where that is not allowed.</summary>
    public static Task<bool> TryOverAsync(string folder, string over) => TryAsync("mount", "--bind", folder, over);

    /// <summary>Takes away what was mounted at a folder last.</summary>
    public static Task<bool> TryRemoveAsync(string folder) => TryAsync("umount", "-l", folder);

    private static async Task<bool> TryAsync(string command, params string[] arguments)
    {
        if (!OperatingSystem.IsLinux()) return false;
        try
        {
            using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
            await process.WaitForExitAsync().ConfigureAwait(false);
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
