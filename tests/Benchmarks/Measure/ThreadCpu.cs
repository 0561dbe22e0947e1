using System.Runtime.InteropServices;

namespace ReadStateStream.Benchmarks.Measure;

/// <summary>
/// Processor time of the calling thread: what the writer itself spends, whoever else wants the processor. Linux only.
/// </summary>
internal static partial class ThreadCpu
{
    private const int ThreadClock = 3;

    [StructLayout(LayoutKind.Sequential)]
    private struct Timespec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }

    /// <summary>Seconds since the thread began; 0 where the system does not say.</summary>
    public static double Seconds => OperatingSystem.IsLinux() && Read(ThreadClock, out var time) == 0 ? time.Seconds + (time.Nanoseconds / 1e9) : 0;

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int Read(int clock, out Timespec time);
}
