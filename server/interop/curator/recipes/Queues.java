package recipes;

import static interop.Check.equal;
import static interop.Check.eventually;
import static interop.Check.that;

import interop.Scope;
import interop.Suite;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.queue.BlockingQueueConsumer;
import org.apache.curator.framework.recipes.queue.DistributedDelayQueue;
import org.apache.curator.framework.recipes.queue.DistributedIdQueue;
import org.apache.curator.framework.recipes.queue.DistributedPriorityQueue;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.state.ConnectionState;

/** Curator's queues. */
final class Queues {
    private Queues() {}

    static void register(Suite suite) {
        suite.test("queue", Queues::queue);
        suite.test("queue_with_lock", Queues::queueWithLock);
        suite.test("priority_queue", Queues::priorityQueue);
        suite.test("id_queue", Queues::idQueue);
        suite.test("delay_queue", Queues::delayQueue);
        suite.test("simple_queue", Queues::simpleQueue);
    }

    static final QueueSerializer<String> TEXT = new QueueSerializer<>() {
        @Override
        public byte[] serialize(String item) {
            return item.getBytes();
        }

        @Override
        public String deserialize(byte[] bytes) {
            return new String(bytes);
        }
    };

    /** Collects what it is given. */
    private static final class Collector implements QueueConsumer<String> {
        final List<String> got = Collections.synchronizedList(new ArrayList<>());

        @Override
        public void consumeMessage(String message) {
            got.add(message);
        }

        @Override
        public void stateChanged(CuratorFramework client, ConnectionState state) {
            // Not what these tests are about.
        }
    }

    /** A consumer that adds what it is given to a collection. */
    static QueueConsumer<String> into(Collection<String> got) {
        return new QueueConsumer<>() {
            @Override
            public void consumeMessage(String message) {
                got.add(message);
            }

            @Override
            public void stateChanged(CuratorFramework client, ConnectionState state) {
                // Of no concern to who only collects.
            }
        };
    }

    private static List<String> numbers(int count) {
        List<String> list = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            list.add(String.format("m%03d", i));
        }
        return list;
    }

    private static void queue(Scope scope) throws Exception {
        CuratorFramework c = Curator.withRoot(scope);
        Collector collector = new Collector();
        DistributedQueue<String> in = scope.own(QueueBuilder.builder(c, null, TEXT, scope.root + "/queue").buildQueue());
        DistributedQueue<String> out = scope.own(QueueBuilder.builder(Curator.connect(scope), collector, TEXT, scope.root + "/queue").buildQueue());
        in.start();
        out.start();
        for (String message : numbers(50)) {
            in.put(message);
        }
        eventually(() -> collector.got.size() == 50, "fifty messages");
        equal(collector.got, numbers(50), "messages in order");
    }

    private static void queueWithLock(Scope scope) throws Exception {
        CuratorFramework c = Curator.withRoot(scope);
        List<Collector> collectors = List.of(new Collector(), new Collector());
        for (Collector collector : collectors) {
            DistributedQueue<String> out =
                scope.own(QueueBuilder.builder(Curator.connect(scope), collector, TEXT, scope.root + "/queue").lockPath(scope.root + "/locks").buildQueue());
            out.start();
        }
        DistributedQueue<String> in = scope.own(QueueBuilder.builder(c, null, TEXT, scope.root + "/queue").lockPath(scope.root + "/locks").buildQueue());
        in.start();
        for (String message : numbers(40)) {
            in.put(message);
        }
        eventually(() -> collectors.get(0).got.size() + collectors.get(1).got.size() >= 40, "forty messages");
        List<String> all = new ArrayList<>(collectors.get(0).got);
        all.addAll(collectors.get(1).got);
        Collections.sort(all);
        equal(all, numbers(40), "each message once");
    }

    private static void priorityQueue(Scope scope) throws Exception {
        CuratorFramework c = Curator.withRoot(scope);
        DistributedPriorityQueue<String> in = scope.own(QueueBuilder.builder(c, null, TEXT, scope.root + "/queue").buildPriorityQueue(0));
        in.start();
        String[][] messages = {{"late", "30"}, {"early", "-5"}, {"middle", "7"}, {"middle2", "7"}};
        for (String[] message : messages) {
            in.put(message[0], Integer.parseInt(message[1]));
        }
        that(in.flushPuts(interop.Check.WAIT_SECONDS, TimeUnit.SECONDS), "all are stored");
        Collector collector = new Collector();
        DistributedPriorityQueue<String> out = scope.own(QueueBuilder.builder(Curator.connect(scope), collector, TEXT, scope.root + "/queue").buildPriorityQueue(0));
        out.start();
        eventually(() -> collector.got.size() == 4, "four messages");
        equal(collector.got, List.of("early", "middle", "middle2", "late"), "by priority, then by age");
    }

    private static void idQueue(Scope scope) throws Exception {
        CuratorFramework c = Curator.withRoot(scope);
        DistributedIdQueue<String> in = scope.own(QueueBuilder.builder(c, null, TEXT, scope.root + "/queue").buildIdQueue());
        in.start();
        for (String message : numbers(3)) {
            in.put(message, "id-" + message);
        }
        that(in.flushPuts(interop.Check.WAIT_SECONDS, TimeUnit.SECONDS), "all are stored");
        equal(in.remove("id-m001"), 1, "entries that were taken back");
        BlockingQueueConsumer<String> consumer = new BlockingQueueConsumer<>((client, state) -> {});
        DistributedIdQueue<String> out = scope.own(QueueBuilder.builder(Curator.connect(scope), consumer, TEXT, scope.root + "/queue").buildIdQueue());
        out.start();
        for (String want : List.of("m000", "m002")) {
            equal(consumer.take(), want, "message");
        }
    }

    private static void delayQueue(Scope scope) throws Exception {
        Collector collector = new Collector();
        DistributedDelayQueue<String> queue = scope.own(QueueBuilder.builder(Curator.withRoot(scope), collector, TEXT, scope.root + "/queue").buildDelayQueue());
        queue.start();
        long now = System.currentTimeMillis();
        queue.put("second", now + 900);
        queue.put("first", now + 300);
        eventually(() -> collector.got.size() == 2, "two messages");
        equal(collector.got, List.of("first", "second"), "by the time at which they are due");
        that(System.currentTimeMillis() >= now + 900, "not before they are due");
    }

    private static void simpleQueue(Scope scope) throws Exception {
        SimpleDistributedQueue queue = new SimpleDistributedQueue(Curator.withRoot(scope), scope.root + "/queue");
        CuratorFramework second = Curator.connect(scope);
        SimpleDistributedQueue other = new SimpleDistributedQueue(second, scope.root + "/queue");
        for (String message : numbers(20)) {
            queue.offer(message.getBytes());
        }
        Curator.fresh(second);
        equal(new String(other.peek()), "m000", "head");
        for (String message : numbers(20)) {
            equal(new String(other.poll(interop.Check.WAIT_SECONDS, TimeUnit.SECONDS)), message, "message");
        }
        equal(other.poll(), null, "an empty queue");
    }
}
