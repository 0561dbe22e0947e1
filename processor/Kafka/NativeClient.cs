using System.Runtime.InteropServices;
using Confluent.Kafka;

namespace ReadStateStream.Kafka;

/// <summary>
/// Kafka's native client. The full registry profile has one in a package; in the partial one it is the system's
/// <c>librdkafka.so.1</c>, which Confluent.Kafka is told of before it looks for its own.
/// </summary>
public static class NativeClient
{
    private static readonly Lazy<string?> Loaded = new(Load);

    /// <summary>Why there is no Kafka here, and what to do; null where it is loaded.</summary>
    public static string? Refusal => Loaded.Value;

    private static string? Load()
    {
#if SYSTEM_LIBRDKAFKA
        const string library = "librdkafka";
        const string system = "librdkafka.so.1";
        if (!NativeLibrary.TryLoad(system, out var handle))
            return $"Kafka's native client is not installed: {system} (Debian: apt-get install librdkafka1), or restore with a registry that has librdkafka.redist";
        NativeLibrary.SetDllImportResolver(typeof(Library).Assembly, (name, _, _) => name == library ? handle : IntPtr.Zero);
#endif
        try
        {
            _ = Library.Version;
            return null;
        }
        catch (Exception error) when (error is DllNotFoundException or InvalidOperationException or TypeInitializationException)
        {
            return $"Kafka's native client cannot be loaded: {error.Message}";
        }
    }
}
