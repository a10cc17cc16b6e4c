package plain;

import interop.Check;
import interop.Scope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZKUtil;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Stat;

/** A ZooKeeper client together with the events that it got. */
final class Client implements Watcher, AutoCloseable {
    /** Between two and twenty ticks for any tick from 500 to 2000 ms, so the server takes it as it is. */
    static final int SESSION_MS = 8000;

    final ZooKeeper zk;
    final LinkedBlockingQueue<String> events = new LinkedBlockingQueue<>();
    private final LinkedBlockingQueue<KeeperState> states = new LinkedBlockingQueue<>();

    private Client(String address, int sessionMs, long session, byte[] password) throws Exception {
        zk = session == 0 ? new ZooKeeper(address, sessionMs, this) : new ZooKeeper(address, sessionMs, this, session, password);
    }

    /** A connected client with the given address and session timeout, closed with the scope. */
    static Client connect(Scope scope, String address, int sessionMs) throws Exception {
        Client client = scope.own(new Client(address, sessionMs, 0, null));
        client.awaitState(KeeperState.SyncConnected);
        return client.fresh();
    }

    static Client connect(Scope scope) throws Exception {
        return connect(scope, Scope.server(), SESSION_MS);
    }

    /** This client, which now sees all that anybody was told to be done: its server may know it later than others. */
    Client fresh() throws Exception {
        CompletableFuture<Integer> synced = new CompletableFuture<>();
        zk.sync("/", (rc, path, context) -> synced.complete(rc), null);
        Check.equal(Check.await(synced), 0, "code of a sync");
        return this;
    }

    /** A client that asks for an existing session; the caller waits for the state that it expects. */
    static Client attach(Scope scope, String address, long session, byte[] password) throws Exception {
        return scope.own(new Client(address, SESSION_MS, session, password));
    }

    /** Makes the root of the scope, which is deleted with all below it when the test ends. */
    Client withRoot(Scope scope) throws Exception {
        create(scope.root, "");
        scope.own(() -> {
            try (ZooKeeper sweeper = new ZooKeeper(Scope.server(), SESSION_MS, event -> {})) {
                ZKUtil.deleteRecursive(sweeper, scope.root, 500);
            }
        });
        return this;
    }

    @Override
    public void process(WatchedEvent event) {
        if (event.getType() == EventType.None) {
            states.add(event.getState());
        } else {
            events.add(event.getType() + " " + event.getPath());
        }
    }

    /** Waits for the client to report a state, passing over others. */
    void awaitState(KeeperState want) throws InterruptedException {
        List<KeeperState> seen = new ArrayList<>();
        while (true) {
            KeeperState state = states.poll(Check.WAIT_SECONDS, TimeUnit.SECONDS);
            if (state == want) {
                return;
            }
            Check.that(state != null, "the state " + want + " did not come; there were " + seen);
            seen.add(state);
        }
    }

    /** Waits for exactly these events ("NodeCreated /path"), in this order. */
    void expect(String... want) throws InterruptedException {
        for (String one : want) {
            Check.equal(events.poll(Check.WAIT_SECONDS, TimeUnit.SECONDS), one, "event");
        }
    }

    /** Waits for exactly these events, in any order. */
    void expectExactly(Set<String> want) throws Exception {
        Set<String> missing = new HashSet<>(want);
        while (!missing.isEmpty()) {
            String event = events.poll(Check.WAIT_SECONDS, TimeUnit.SECONDS);
            Check.that(event != null, missing.size() + " events did not come, " + missing.iterator().next() + " among them");
            Check.that(missing.remove(event), "unexpected event " + event);
        }
        expectNothingMore();
    }

    /**
     * Fails if there is any event. The client hands events and answers of asynchronous calls to one thread in the order of
     * the wire, so once a sync has been answered everything before it is known.
     */
    void expectNothingMore() throws Exception {
        CompletableFuture<Void> settled = new CompletableFuture<>();
        zk.sync("/", (rc, path, context) -> settled.complete(null), null);
        Check.await(settled);
        Check.equal(new ArrayList<>(events), List.of(), "further events");
    }

    /** A list of ACL entries as the client library wants it: one that may be asked whether it holds null. */
    static List<ACL> acl(ACL... entries) {
        return Arrays.asList(entries);
    }

    String create(String path, String data) throws Exception {
        return create(path, data, CreateMode.PERSISTENT);
    }

    String create(String path, String data, CreateMode mode) throws Exception {
        return zk.create(path, data.getBytes(), Ids.OPEN_ACL_UNSAFE, mode);
    }

    Stat set(String path, String data) throws Exception {
        return zk.setData(path, data.getBytes(), -1);
    }

    String get(String path) throws Exception {
        return new String(zk.getData(path, false, null));
    }

    boolean exists(String path) throws Exception {
        return zk.exists(path, false) != null;
    }

    void delete(String path) throws Exception {
        zk.delete(path, -1);
    }

    void watch(String path, AddWatchMode mode) throws KeeperException, InterruptedException {
        zk.addWatch(path, mode);
    }

    @Override
    public void close() throws InterruptedException {
        zk.close();
    }
}
