import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
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
import org.apache.kafka.common.errors.WakeupException;
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
 * FROM is committed, beginning, or a time with its zone; OUT is a file to go on with, or - for standard output; with
 * --once it ends where the topics end now. In a file nothing is written twice, whatever dies and wherever it begins: the
 * file itself says how far it has come. SIGINT (Ctrl-C) or SIGTERM ends it and leaves the group, with status 130 or 143;
 * wrong arguments end with status 2.
 */
public class Subscriber {
    private static final Pattern OWN =
            Pattern.compile("^\\{\"position\":(\\d+),\"topic\":\"([^\"]+)\",\"partition\":(\\d+),");

    /** For so long a group waits for a member that died without leaving it. */
    private static final int SESSION_MS = 10_000;
    /** With nothing assigned to us for so long, the reader is told why. */
    private static final long PATIENCE_MS = 5_000;
    private static final String WAITING =
            "no partition is ours yet: other members of the group have them all, or had them and died without leaving; "
            + "what those had comes to us within " + SESSION_MS / 1000 + " s";

    public static void main(String[] arguments) throws Exception {
        List<String> given = new ArrayList<>(List.of(arguments));
        boolean once = given.remove("--once");
        if (given.size() < 5) {
            wrong("usage: Subscriber BOOTSTRAP GROUP committed|beginning|TIME OUT|- TOPIC... [--once]");
        }
        String begin = given.get(2);
        Instant at = begin.equals("committed") || begin.equals("beginning") ? null : timeOf(begin);
        String path = given.get(3);
        List<String> topics = given.subList(4, given.size());
        Map<TopicPartition, Long> last = new HashMap<>();
        boolean toFile = !path.equals("-");
        Map<String, Object> settings = Map.of(
                "bootstrap.servers", given.get(0),
                "group.id", given.get(1),
                "isolation.level", "read_committed",
                "enable.auto.commit", false,
                "auto.offset.reset", "earliest",
                "allow.auto.create.topics", false,
                "session.timeout.ms", SESSION_MS);
        try (Consumer<String, byte[]> consumer =
                new KafkaConsumer<>(settings, new StringDeserializer(), new ByteArrayDeserializer())) {
            check(topics, consumer.listTopics().keySet(), given.get(0));
            if (toFile) {
                takenUp(path, last);
            }
            endOnSignals(consumer);
            try (FileOutputStream out =
                    toFile ? new FileOutputStream(path, true) : new FileOutputStream(FileDescriptor.out)) {
                consumer.subscribe(topics, new Begin(consumer, begin, at));
                follow(consumer, out, toFile, last, once);
            }
        } catch (WakeupException ended) {
            // By a signal; what was not committed comes again.
        }
    }

    private static Instant timeOf(String begin) {
        try {
            return OffsetDateTime.parse(begin).toInstant();
        } catch (DateTimeParseException error) {
            wrong("'" + begin + "' is not committed, beginning, or a time with its zone, "
                    + "such as 2026-03-01T00:00:00+08:00");
            throw error;
        }
    }

    private static void wrong(String message) {
        System.err.println(message);
        System.exit(2);
    }

    private static void check(List<String> topics, Set<String> there, String bootstrap) {
        List<String> missing = topics.stream().filter(topic -> !there.contains(topic)).toList();
        if (!missing.isEmpty()) {
            List<String> others = there.stream().filter(topic -> !topic.startsWith("__")).sorted().toList();
            wrong("no topic " + String.join(", ", missing) + " at " + bootstrap
                    + ", or none that you may read; there are: " + (others.isEmpty() ? "none" : String.join(", ", others)));
        }
    }

    /** Without this a signal would end it at once, and the group would wait for it. */
    private static void endOnSignals(Consumer<?, ?> consumer) {
        Thread main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            consumer.wakeup();
            try {
                main.join(SESSION_MS);
            } catch (InterruptedException hurried) {
                Thread.currentThread().interrupt();
            }
        }));
    }

    /** Writes what comes, for ever, or up to where the topics ended when it began. */
    private static void follow(Consumer<String, byte[]> consumer, FileOutputStream out, boolean toFile,
            Map<TopicPartition, Long> last, boolean once) throws Exception {
        Map<TopicPartition, Long> ends = Map.of();
        long started = System.nanoTime();
        boolean told = false;
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
            if (!told && consumer.assignment().isEmpty() && System.nanoTime() - started > PATIENCE_MS * 1_000_000) {
                System.err.println(WAITING);
                told = true;
            }
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
        private final Instant at;
        private final Set<TopicPartition> known = new HashSet<>();

        Begin(Consumer<?, ?> consumer, String begin, Instant at) {
            this.consumer = consumer;
            this.begin = begin;
            this.at = at;
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
            Map<TopicPartition, Long> asked = new HashMap<>();
            fresh.forEach(partition -> asked.put(partition, at.toEpochMilli()));
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
