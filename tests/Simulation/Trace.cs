using System.Globalization;

namespace ReadStateStream.Simulation;

/// <summary>What happened in a run, in order: a hash always, the lines where they are asked for.</summary>
internal sealed class Trace(Action<string>? write = null)
{
    private const ulong Prime = 0x100000001B3;

    public ulong Hash { get; private set; } = 0xCBF29CE484222325;

    public long Count { get; private set; }

    public void Add(string what, long a = 0, long b = 0)
    {
        Count++;
        foreach (var letter in what) Mix(letter);
        Mix((ulong)a);
        Mix((ulong)b);
        write?.Invoke(string.Create(CultureInfo.InvariantCulture, $"{Count} {what} {a} {b}"));
    }

    public void Add(string what, string detail, long a = 0, long b = 0)
    {
        foreach (var letter in detail) Mix(letter);
        write?.Invoke("    " + detail);
        Add(what, a, b);
    }

    private void Mix(ulong value) => Hash = ((Hash ^ value) * Prime) ^ (Hash >> 29);
}
