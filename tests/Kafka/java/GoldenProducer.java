import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** A producer that is not ours, with its own defaults: sends lines "key TAB base64 value", prints the partition of each. */
public class GoldenProducer {
    public static void main(String[] arguments) throws Exception {
        var settings = Map.<String, Object>of("bootstrap.servers", arguments[0], "acks", "all");
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer())) {
            var sent = new ArrayList<Future<RecordMetadata>>();
            for (var line : Files.readAllLines(Path.of(arguments[2]))) {
                var parts = line.split("\t");
                sent.add(producer.send(new ProducerRecord<>(arguments[1], parts[0], Base64.getDecoder().decode(parts[1]))));
            }
            for (var one : sent) System.out.println(one.get().partition());
        }
    }
}
