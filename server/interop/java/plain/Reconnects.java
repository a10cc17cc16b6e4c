package plain;

import static interop.Check.equal;
import static interop.Check.raises;
import static interop.Check.that;

import interop.Check;
import interop.Proxy;
import interop.Scope;
import interop.Suite;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooDefs.Ids;

/** A broken connection within one session: watches are set again, ephemerals stay, nothing acknowledged is lost. */
final class Reconnects {
    private Reconnects() {}

    static void register(Suite suite) {
        suite.test("reconnect_keeps_session_and_ephemerals", Reconnects::keepsSession);
        suite.test("setwatches_tells_what_was_missed", Reconnects::tellsWhatWasMissed);
        suite.test("setwatches_sets_again_what_did_not_change", Reconnects::setsAgain);
        suite.test("setwatches_persistent", Reconnects::persistent);
        suite.test("setwatches_many", Reconnects::many);
        suite.test("reconnect_repeats_auth", Reconnects::repeatsAuth);
        suite.test("reconnect_in_flight_requests_fail", Reconnects::inFlightRequestsFail);
        suite.test("reconnect_loses_no_write", Reconnects::losesNoWrite);
    }

    private static void breakConnection(Client c, Proxy proxy) throws Exception {
        proxy.refuse();
        c.awaitState(KeeperState.Disconnected);
    }

    /** Lets the client come back, to a server that knows what was done meanwhile. */
    private static void mendConnection(Scope scope, Client c, Proxy proxy) throws Exception {
        Client.connect(scope, Scope.member(), Client.SESSION_MS).close();
        proxy.allow();
        c.awaitState(KeeperState.SyncConnected);
    }

    private static void keepsSession(Scope scope) throws Exception {
        Client witness = Client.connect(scope).withRoot(scope);
        Proxy proxy = scope.proxy();
        Client c = Client.connect(scope, proxy.address(), Client.SESSION_MS);
        long session = c.zk.getSessionId();
        c.create(scope.root + "/e", "", CreateMode.EPHEMERAL);
        for (int round = 0; round < 3; round++) {
            proxy.drop();
            c.awaitState(KeeperState.Disconnected);
            c.awaitState(KeeperState.SyncConnected);
            equal(c.zk.getSessionId(), session, "session");
            equal(witness.fresh().zk.exists(scope.root + "/e", false).getEphemeralOwner(), session, "owner");
        }
        c.close();
        that(!witness.fresh().exists(scope.root + "/e"), "the ephemeral goes with its session");
    }

    private static void tellsWhatWasMissed(Scope scope) throws Exception {
        Client writer = Client.connect(scope).withRoot(scope);
        Proxy proxy = scope.proxy();
        Client c = Client.connect(scope, proxy.address(), Client.SESSION_MS);
        String root = scope.root;
        for (String name : List.of("/changed", "/deleted", "/parent", "/gone")) {
            writer.create(root + name, "");
        }
        c.fresh().zk.getData(root + "/changed", true, null);
        c.zk.getData(root + "/deleted", true, null);
        c.zk.exists(root + "/created", true);
        c.zk.getChildren(root + "/parent", true);
        c.zk.getChildren(root + "/gone", true);
        breakConnection(c, proxy);
        writer.set(root + "/changed", "x");
        writer.delete(root + "/deleted");
        writer.create(root + "/created", "");
        writer.create(root + "/parent/kid", "");
        writer.delete(root + "/gone");
        mendConnection(scope, c, proxy);
        c.expectExactly(Set.of("NodeDataChanged " + root + "/changed", "NodeDeleted " + root + "/deleted", "NodeCreated " + root + "/created",
            "NodeChildrenChanged " + root + "/parent", "NodeDeleted " + root + "/gone"));
        // All five have fired now, so further changes are silent.
        writer.set(root + "/changed", "y");
        writer.create(root + "/parent/kid2", "");
        c.expectNothingMore();
    }

    private static void setsAgain(Scope scope) throws Exception {
        Client writer = Client.connect(scope).withRoot(scope);
        Proxy proxy = scope.proxy();
        Client c = Client.connect(scope, proxy.address(), Client.SESSION_MS);
        String root = scope.root;
        writer.create(root + "/data", "");
        writer.create(root + "/parent", "");
        c.fresh().zk.getData(root + "/data", true, null);
        c.zk.exists(root + "/later", true);
        c.zk.getChildren(root + "/parent", true);
        breakConnection(c, proxy);
        writer.create(root + "/data/kid", "a data watch does not mind");
        writer.set(root + "/parent", "a child watch does not mind");
        mendConnection(scope, c, proxy);
        c.expectNothingMore();
        writer.set(root + "/data", "x");
        writer.create(root + "/later", "");
        writer.create(root + "/parent/kid", "");
        c.expect("NodeDataChanged " + root + "/data", "NodeCreated " + root + "/later", "NodeChildrenChanged " + root + "/parent");
        c.expectNothingMore();
    }

    private static void persistent(Scope scope) throws Exception {
        Client writer = Client.connect(scope).withRoot(scope);
        Proxy proxy = scope.proxy();
        Client c = Client.connect(scope, proxy.address(), Client.SESSION_MS);
        String root = scope.root;
        writer.create(root + "/one", "");
        writer.create(root + "/tree", "");
        c.fresh().watch(root + "/one", AddWatchMode.PERSISTENT);
        c.watch(root + "/tree", AddWatchMode.PERSISTENT_RECURSIVE);
        breakConnection(c, proxy);
        writer.set(root + "/one", "missed");
        writer.create(root + "/tree/missed", "");
        mendConnection(scope, c, proxy);
        c.expectNothingMore();
        writer.set(root + "/one", "seen");
        writer.create(root + "/tree/a", "");
        writer.create(root + "/tree/a/b", "");
        c.expect("NodeDataChanged " + root + "/one", "NodeCreated " + root + "/tree/a", "NodeCreated " + root + "/tree/a/b");
        c.expectNothingMore();
    }

    /** So many watches that the client needs several setWatches requests. */
    private static void many(Scope scope) throws Exception {
        Client writer = Client.connect(scope).withRoot(scope);
        Proxy proxy = scope.proxy();
        Client c = Client.connect(scope, proxy.address(), Client.SESSION_MS);
        int count = 2000;
        String prefix = scope.root + "/" + "long-name-".repeat(15);
        for (int i = 0; i < count; i++) {
            c.zk.exists(prefix + i, true, (rc, path, context, stat) -> {}, null);
        }
        c.expectNothingMore();
        breakConnection(c, proxy);
        CompletableFuture<Integer> made = new CompletableFuture<>();
        Set<String> missed = new HashSet<>();
        for (int i = 0; i < count; i += 2) {
            missed.add("NodeCreated " + prefix + i);
            boolean last = i == count - 2;
            writer.zk.create(prefix + i, null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT, (rc, path, context, name) -> {
                if (last) {
                    made.complete(rc);
                }
            }, null);
        }
        equal(Check.await(made), 0, "the last create");
        mendConnection(scope, c, proxy);
        c.expectExactly(missed);
        writer.create(prefix + 1, "");
        c.expect("NodeCreated " + prefix + 1);
    }

    private static void repeatsAuth(Scope scope) throws Exception {
        Client.connect(scope).withRoot(scope);
        Proxy proxy = scope.proxy();
        Client c = Client.connect(scope, proxy.address(), Client.SESSION_MS);
        c.zk.addAuthInfo("digest", "amy:pw".getBytes());
        c.zk.create(scope.root + "/mine", "v".getBytes(), Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
        proxy.drop();
        c.awaitState(KeeperState.Disconnected);
        c.awaitState(KeeperState.SyncConnected);
        equal(c.get(scope.root + "/mine"), "v", "data");
        equal(c.zk.whoAmI().size(), 2, "identities");
    }

    private static void inFlightRequestsFail(Scope scope) throws Exception {
        Client.connect(scope).withRoot(scope);
        Proxy proxy = scope.proxy();
        Client c = Client.connect(scope, proxy.address(), Client.SESSION_MS);
        proxy.hold();
        List<CompletableFuture<Integer>> results = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            CompletableFuture<Integer> result = new CompletableFuture<>();
            c.zk.exists(scope.root, false, (rc, path, context, stat) -> result.complete(rc), null);
            results.add(result);
        }
        proxy.drop();
        for (CompletableFuture<Integer> result : results) {
            int code = Check.await(result);
            // What had not been sent yet goes out on the next connection and succeeds.
            that(code == 0 || code == KeeperException.Code.CONNECTIONLOSS.intValue(), "result " + code);
        }
        Check.eventually(() -> c.zk.getState().isConnected(), "connected again");
        equal(c.get(scope.root), "", "data");
    }

    private static void losesNoWrite(Scope scope) throws Exception {
        Client witness = Client.connect(scope).withRoot(scope);
        Proxy proxy = scope.proxy();
        Client c = Client.connect(scope, proxy.address(), Client.SESSION_MS);
        AtomicBoolean stop = new AtomicBoolean();
        Set<String> acknowledged = java.util.concurrent.ConcurrentHashMap.newKeySet();
        CompletableFuture<Integer> writing = Check.spawn(() -> {
            int number = 0;
            for (; !stop.get(); number++) {
                try {
                    c.create(scope.root + "/n" + number, "");
                    acknowledged.add("n" + number);
                } catch (KeeperException.ConnectionLossException unknown) {
                    // It may or may not have been done.
                }
            }
            return number;
        });
        for (int round = 0; round < 4; round++) {
            int before = acknowledged.size();
            Check.eventually(() -> acknowledged.size() > before + 20, "writes go on");
            proxy.drop();
        }
        stop.set(true);
        Check.await(writing);
        Set<String> missing = new HashSet<>(acknowledged);
        missing.removeAll(witness.fresh().zk.getChildren(scope.root, false));
        equal(missing, Set.of(), "acknowledged writes that are missing");
        raises(KeeperException.NodeExistsException.class, () -> witness.create(scope.root, ""));
    }
}
