package recipes;

import static interop.Check.await;
import static interop.Check.equal;
import static interop.Check.eventually;
import static interop.Check.that;

import interop.Check;
import interop.Scope;
import interop.Suite;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryNTimes;
import org.apache.zookeeper.KeeperException;

/**
 * What a test of chaos works with: the leader of the ensemble is killed and comes back, again and again. The clients'
 * requests fail all the time, and Curator repeats them; what it reports as done must be done. Since the ensemble is never
 * away for long, no session may end.
 */
final class Chaos implements AutoCloseable {
    /** The longest that a server with ticks of 500 ms grants. */
    private static final int SESSION_MS = 10_000;

    final Scope scope;
    final String root;
    final List<CuratorFramework> clients = new ArrayList<>();
    private final AtomicInteger breaks = new AtomicInteger();
    private final AtomicInteger lost = new AtomicInteger();
    private final long deadline;

    /** A test body that is given clients which already have been through the start of the chaos. */
    interface Body {
        void run(Chaos chaos) throws Exception;
    }

    /** Work for one of the clients; its number is the first argument. */
    interface Work {
        void run(int number, CuratorFramework client) throws Exception;
    }

    private Chaos(Scope scope, int count) throws Exception {
        this.scope = scope;
        root = scope.root;
        for (int i = 0; i < count; i++) {
            clients.add(connect());
        }
        make("", "");
        scope.own(() -> {
            try (CuratorFramework sweeper = CuratorFrameworkFactory.newClient(Scope.server(), new RetryNTimes(100, 100))) {
                sweeper.start();
                sweeper.delete().deletingChildrenIfNeeded().forPath(root);
            }
        });
        deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(Scope.chaosSeconds());
    }

    /** Registers a test with so many clients. */
    static void test(Suite suite, String name, int clients, Body body) {
        suite.chaos(name, scope -> {
            try (Chaos chaos = new Chaos(scope, clients)) {
                body.run(chaos);
                equal(chaos.lost.get(), 0, "sessions that were lost");
                that(chaos.breaks.get() > 0, "no connection was ever broken: the test has shown nothing");
            }
        });
    }

    private CuratorFramework connect() throws Exception {
        CuratorFramework client = CuratorFrameworkFactory.builder().connectString(Scope.server()).sessionTimeoutMs(SESSION_MS)
            .connectionTimeoutMs(SESSION_MS).retryPolicy(new RetryNTimes(1000, 50)).build();
        client.getConnectionStateListenable().addListener((c, state) -> {
            if (state == ConnectionState.SUSPENDED) {
                breaks.incrementAndGet();
            } else if (state == ConnectionState.LOST) {
                lost.incrementAndGet();
            }
        });
        client.start();
        that(client.blockUntilConnected((int) Check.WAIT_SECONDS, TimeUnit.SECONDS), "connected");
        return client;
    }

    /** Whether the leader is to be killed still. */
    boolean goesOn() {
        return System.nanoTime() < deadline;
    }

    /** How often a client was cut off so far. */
    int breaks() {
        return breaks.get();
    }

    /** Does the work with each client at once, for as long as the chaos goes on, and fails as the first of them does. */
    void work(Work work) throws Exception {
        List<CompletableFuture<Void>> running = new ArrayList<>();
        for (int i = 0; i < clients.size(); i++) {
            int number = i;
            running.add(Check.spawn(() -> {
                while (goesOn()) {
                    work.run(number, clients.get(number));
                }
                return null;
            }));
        }
        for (CompletableFuture<Void> one : running) {
            one.get(Scope.chaosSeconds() + Check.WAIT_SECONDS, TimeUnit.SECONDS);
        }
    }

    /** Makes a node below the root, even if the answer to the first try gets lost. */
    void make(String name, String data) throws Exception {
        try {
            clients.get(0).create().forPath(root + name, data.getBytes());
        } catch (KeeperException.NodeExistsException done) {
            // It was made by a try whose answer got lost.
        }
    }

    /** The newest data of a node below the root. */
    String read(String name) throws Exception {
        return new String(Curator.fresh(clients.get(0)).getData().forPath(root + name));
    }

    /** Reads a number and writes the next one; for who is alone. An answer that got lost is looked for. */
    void addOne(CuratorFramework client, String name) throws Exception {
        int value = Integer.parseInt(new String(Curator.fresh(client).getData().forPath(root + name)));
        client.setData().forPath(root + name, Integer.toString(value + 1).getBytes());
        int after = Integer.parseInt(new String(client.getData().forPath(root + name)));
        equal(after, value + 1, "somebody else has written under the lock");
    }

    /** Counts who is inside, and fails when there are too many. */
    static final class Room {
        private final int most;
        private final AtomicInteger inside = new AtomicInteger();
        final AtomicInteger turns = new AtomicInteger();
        final Set<Integer> guests = ConcurrentHashMap.newKeySet();

        Room(int most) {
            this.most = most;
        }

        <T> T visit(int number, Callable<T> call) throws Exception {
            int there = inside.incrementAndGet();
            try {
                that(there <= most, there + " inside, allowed are " + most);
                turns.incrementAndGet();
                guests.add(number);
                return call.call();
            } finally {
                inside.decrementAndGet();
            }
        }
    }

    @Override
    public void close() {
        clients.forEach(CuratorFramework::close);
    }
}
