using Confluent.Kafka;

namespace ReadStateStream.Kafka;

/// <summary>Told of what the clients meet; any thread, must not block.</summary>
public interface IKafkaNotes
{
    /// <summary>A line of the library's own log.</summary>
    void Library(bool isWarning, string message);

    /// <summary>The consumer met an error that it goes on after.</summary>
    void ConsumerError(string reason);

    /// <summary>Dead letters were not taken; they are tried again.</summary>
    void DeadLettersWait(int count, string reason);
}

/// <summary>For whoever says what came of it, and nothing of what the clients met on the way.</summary>
public sealed class SilentNotes : IKafkaNotes
{
    /// <summary>The only one.</summary>
    public static SilentNotes Instance { get; } = new();

    /// <inheritdoc/>
    public void Library(bool isWarning, string message)
    {
    }

    /// <inheritdoc/>
    public void ConsumerError(string reason)
    {
    }

    /// <inheritdoc/>
    public void DeadLettersWait(int count, string reason)
    {
    }
}

/// <summary>How a client's own log is told.</summary>
internal static class LibraryNotes
{
    /// <summary>Tells a line of it.</summary>
    public static void Note(this IKafkaNotes notes, LogMessage message) => notes.Library(message.Level <= SyslogLevel.Warning, message.Message);
}
