using ReadStateStream.Kafka;

namespace ReadStateStream.Host;

/// <summary>Says what Kafka's clients meet.</summary>
internal sealed class KafkaNotes(ILogger logger) : IKafkaNotes
{
    public void Library(bool isWarning, string message)
    {
        if (isWarning) logger.KafkaError(message);
        else logger.KafkaLibrary(message);
    }

    public void ConsumerError(string reason) => logger.KafkaError(reason);

    public void DeadLettersWait(int count, string reason) => logger.DeadLettersWait(count, reason);
}
