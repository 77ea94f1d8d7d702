import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Follows topics of the complaint ledger and writes what comes as JSON lines. Needs a JDK from 17 on and
 * three jars:
 *
 * <pre>
 * java -cp "kafka-clients-4.3.1.jar:slf4j-api-1.7.36.jar:lz4-java-1.10.2.jar" Subscriber.java \\
 *     BOOTSTRAP GROUP FROM OUT TOPIC... [--once]
 * </pre>
 *
 * FROM is committed, beginning, or a time with zone; OUT is a file to go on with, or - for standard output; with --once it
 * ends where the topics end now. In a file nothing is written twice, whatever dies and wherever it begins: the file itself
 * says how far it has come.
 */
public class Subscriber {
    private static final Pattern OWN =
            Pattern.compile("^\\{\"position\":(\\d+),\"topic\":\"([^\"]+)\",\"partition\":(\\d+),");

    public static void main(String[] arguments) throws Exception {
        List<String> given = new ArrayList<>(List.of(arguments));
        boolean once = given.remove("--once");
        if (given.size() < 5) {
            System.err.println("usage: Subscriber BOOTSTRAP GROUP committed|beginning|TIME OUT|- TOPIC... [--once]");
            System.exit(2);
        }
        String begin = given.get(2);
        String path = given.get(3);
        Map<TopicPartition, Long> last = new HashMap<>();
        boolean toFile = !path.equals("-");
        if (toFile) {
            takenUp(path, last);
        }
        Map<String, Object> settings = Map.of(
                "bootstrap.servers", given.get(0),
                "group.id", given.get(1),
                "isolation.level", "read_committed",
                "enable.auto.commit", false,
                "auto.offset.reset", "earliest");
        try (FileOutputStream out = toFile ? new FileOutputStream(path, true) : new FileOutputStream(FileDescriptor.out);
                Consumer<String, byte[]> consumer =
                        new KafkaConsumer<>(settings, new StringDeserializer(), new ByteArrayDeserializer())) {
            consumer.subscribe(given.subList(4, given.size()), new Begin(consumer, begin));
            follow(consumer, out, toFile, last, once);
        }
    }

    /** Writes what comes, for ever, or up to where the topics ended when it began. */
    private static void follow(Consumer<String, byte[]> consumer, FileOutputStream out, boolean toFile,
            Map<TopicPartition, Long> last, boolean once) throws Exception {
        Map<TopicPartition, Long> ends = Map.of();
        while (true) {
            for (ConsumerRecord<String, byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                TopicPartition place = new TopicPartition(record.topic(), record.partition());
                long position = positionOf(record);
                if (position > last.getOrDefault(place, 0L)) {
                    write(record, position, out);
                    last.put(place, position);
                }
            }
            if (toFile) {
                out.getFD().sync();
            }
            // Only when it is written: what dies before this comes again, and is known by its position.
            consumer.commitSync();
            if (once && !consumer.assignment().isEmpty()) {
                if (ends.isEmpty()) {
                    ends = consumer.endOffsets(consumer.assignment());
                }
                if (ends.entrySet().stream().allMatch(end -> consumer.position(end.getKey()) >= end.getValue())) {
                    return;
                }
            }
        }
    }

    /** The record's place in the ledger: on a partition it only ascends. */
    private static long positionOf(ConsumerRecord<?, ?> record) {
        return Long.parseLong(new String(record.headers().lastHeader("position").value(), StandardCharsets.US_ASCII));
    }

    /** One line. The value is JSON of one line already; null says that nothing of it is public any more. */
    private static void write(ConsumerRecord<String, byte[]> record, long position, OutputStream out) throws Exception {
        String head = "{\"position\":%d,\"topic\":\"%s\",\"partition\":%d,\"key\":\"%s\",\"event\":"
                .formatted(position, record.topic(), record.partition(), record.key());
        byte[] event = record.value() == null ? "null".getBytes(StandardCharsets.US_ASCII) : record.value();
        byte[] start = head.getBytes(StandardCharsets.UTF_8);
        byte[] line = new byte[start.length + event.length + 2];
        System.arraycopy(start, 0, line, 0, start.length);
        System.arraycopy(event, 0, line, start.length, event.length);
        line[line.length - 2] = '}';
        line[line.length - 1] = '\n';
        out.write(line);
    }

    /** Finds the last position of each partition in a file of ours. A last line that is not whole is cut off. */
    private static void takenUp(String path, Map<TopicPartition, Long> last) throws Exception {
        try (RandomAccessFile file = new RandomAccessFile(path, "rw")) {
            long end = file.length();
            byte[] one = new byte[1];
            while (end > 0) {
                file.seek(end - 1);
                file.readFully(one);
                if (one[0] == '\n') {
                    break;
                }
                end--;
            }
            file.setLength(end);
        }
        try (var lines = java.nio.file.Files.lines(java.nio.file.Path.of(path))) {
            lines.forEach(line -> {
                Matcher own = OWN.matcher(line);
                if (own.find()) {
                    TopicPartition place = new TopicPartition(own.group(2), Integer.parseInt(own.group(3)));
                    last.put(place, Long.parseLong(own.group(1)));
                }
            });
        }
    }

    /** Seeks to where we are to begin, in each partition when it comes to us for the first time. */
    private static final class Begin implements ConsumerRebalanceListener {
        private final Consumer<?, ?> consumer;
        private final String begin;
        private final Set<TopicPartition> known = new HashSet<>();

        Begin(Consumer<?, ?> consumer, String begin) {
            this.consumer = consumer;
            this.begin = begin;
        }

        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> revoked) {}

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> assigned) {
            Set<TopicPartition> fresh = new HashSet<>(assigned);
            fresh.removeAll(known);
            known.addAll(fresh);
            if (fresh.isEmpty() || begin.equals("committed")) {
                return;
            }
            if (begin.equals("beginning")) {
                consumer.seekToBeginning(fresh);
                return;
            }
            long at = OffsetDateTime.parse(begin).toInstant().toEpochMilli();
            Map<TopicPartition, Long> asked = new HashMap<>();
            fresh.forEach(partition -> asked.put(partition, at));
            consumer.offsetsForTimes(asked).forEach((partition, found) -> {
                if (found == null) { // Nothing is as young as that.
                    consumer.seekToEnd(List.of(partition));
                } else {
                    consumer.seek(partition, found.offset());
                }
            });
        }
    }
}
