package plain;

import static interop.Check.equal;
import static interop.Check.eventually;
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
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooDefs.Ids;

/** The life of a session: negotiation, re-attaching, closing, expiry. */
final class Sessions {
    private Sessions() {}

    static void register(Suite suite) {
        suite.test("session_timeout_is_clamped", Sessions::timeoutIsClamped, "tick500");
        suite.test("session_attach", Sessions::attach);
        suite.test("session_attach_takes_over", Sessions::attachTakesOver);
        suite.test("session_attach_with_a_wrong_password", Sessions::wrongPassword);
        suite.test("session_attach_to_a_closed_one", Sessions::attachToAClosedOne);
        suite.test("session_expires_in_silence", Sessions::expiresInSilence);
        suite.test("session_lives_by_pings", Sessions::livesByPings);
        suite.test("session_close_with_many_ephemerals", Sessions::closeWithManyEphemerals);
        suite.test("session_ids_differ", Sessions::idsDiffer);
        suite.slow("session_expiry_of_many", Sessions::expiryOfMany, "cnxns");
    }

    private static void timeoutIsClamped(Scope scope) throws Exception {
        int[][] cases = {{500, 1000}, {1000, 1000}, {7777, 7777}, {10_000, 10_000}, {3_600_000, 10_000}};
        for (int[] one : cases) {
            Client c = Client.connect(scope, Scope.server(), one[0]);
            equal(c.zk.getSessionTimeout(), one[1], "timeout when " + one[0] + " ms are asked for");
            c.close();
        }
    }

    private static void attach(Scope scope) throws Exception {
        Client witness = Client.connect(scope).withRoot(scope);
        Proxy proxy = scope.proxy();
        Client first = Client.connect(scope, proxy.address(), Client.SESSION_MS);
        first.create(scope.root + "/e", "", CreateMode.EPHEMERAL);
        proxy.refuse();
        Client second = Client.attach(scope, Scope.server(), first.zk.getSessionId(), first.zk.getSessionPasswd());
        second.awaitState(KeeperState.SyncConnected);
        equal(second.zk.getSessionId(), first.zk.getSessionId(), "session");
        equal(second.zk.getSessionPasswd(), first.zk.getSessionPasswd(), "password");
        equal(second.fresh().zk.getEphemerals(), List.of(scope.root + "/e"), "ephemerals");
        second.close();
        that(!witness.fresh().exists(scope.root + "/e"), "the ephemeral goes with its session");
        proxy.allow();
        first.awaitState(KeeperState.Expired);
        raises(KeeperException.SessionExpiredException.class, () -> first.exists(scope.root));
    }

    /** One session has one connection to a server: who comes last has it. Another member would let the old one read on. */
    private static void attachTakesOver(Scope scope) throws Exception {
        Client.connect(scope).withRoot(scope);
        Proxy proxy = scope.proxy();
        Client first = Client.connect(scope, proxy.address(), Client.SESSION_MS);
        first.create(scope.root + "/e", "", CreateMode.EPHEMERAL);
        Client second = Client.attach(scope, Scope.member(), first.zk.getSessionId(), first.zk.getSessionPasswd());
        second.awaitState(KeeperState.SyncConnected);
        first.awaitState(KeeperState.Disconnected);
        proxy.refuse();
        eventually(() -> {
            try {
                return second.zk.getEphemerals().equals(List.of(scope.root + "/e"));
            } catch (KeeperException.ConnectionLossException disturbed) {
                return false; // the first client had taken it back before the proxy refused it
            }
        }, "the second client has the session");
    }

    private static void wrongPassword(Scope scope) throws Exception {
        Client witness = Client.connect(scope).withRoot(scope);
        Client owner = Client.connect(scope);
        owner.create(scope.root + "/e", "", CreateMode.EPHEMERAL);
        Client thief = Client.attach(scope, Scope.server(), owner.zk.getSessionId(), new byte[16]);
        thief.awaitState(KeeperState.Expired);
        equal(witness.fresh().zk.exists(scope.root + "/e", false).getEphemeralOwner(), owner.zk.getSessionId(), "owner");
        eventually(() -> owner.zk.getState().isConnected(), "the owner is connected");
    }

    private static void attachToAClosedOne(Scope scope) throws Exception {
        Client first = Client.connect(scope);
        long session = first.zk.getSessionId();
        byte[] password = first.zk.getSessionPasswd();
        first.close();
        Client second = Client.attach(scope, Scope.server(), session, password);
        second.awaitState(KeeperState.Expired);
        Client third = Client.attach(scope, Scope.server(), 0x1234567890L, password);
        third.awaitState(KeeperState.Expired);
    }

    private static void expiresInSilence(Scope scope) throws Exception {
        Client witness = Client.connect(scope).withRoot(scope);
        Proxy proxy = scope.proxy();
        Client c = Client.connect(scope, proxy.address(), 1000);
        String node = c.create(scope.root + "/e", "", CreateMode.EPHEMERAL);
        witness.fresh().zk.exists(node, true);
        witness.zk.getChildren(scope.root, true);
        proxy.refuse();
        witness.expect("NodeDeleted " + node, "NodeChildrenChanged " + scope.root);
        proxy.allow();
        c.awaitState(KeeperState.Expired);
    }

    private static void livesByPings(Scope scope) throws Exception {
        Client witness = Client.connect(scope).withRoot(scope);
        Client quiet = Client.connect(scope, Scope.server(), 1000);
        quiet.create(scope.root + "/quiet", "", CreateMode.EPHEMERAL);
        // A session with a longer timeout is left to die meanwhile, which takes longer than the quiet one could be silent.
        Proxy proxy = scope.proxy();
        Client victim = Client.connect(scope, proxy.address(), 3 * quiet.zk.getSessionTimeout());
        victim.create(scope.root + "/victim", "", CreateMode.EPHEMERAL);
        witness.fresh();
        proxy.refuse();
        eventually(() -> !witness.exists(scope.root + "/victim"), "the silent session expires");
        that(witness.exists(scope.root + "/quiet"), "the idle session is alive");
        that(quiet.zk.getState().isConnected(), "and connected");
    }

    private static void closeWithManyEphemerals(Scope scope) throws Exception {
        Client witness = Client.connect(scope).withRoot(scope);
        Client owner = Client.connect(scope);
        int count = 2000;
        CompletableFuture<Integer> made = new CompletableFuture<>();
        for (int i = 0; i < count; i++) {
            boolean last = i == count - 1;
            owner.zk.create(scope.root + "/e-", null, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL_SEQUENTIAL, (rc, path, context, name) -> {
                if (last) {
                    made.complete(rc);
                }
            }, null);
        }
        equal(Check.await(made), 0, "the last create");
        equal(owner.zk.getEphemerals().size(), count, "ephemerals");
        long before = witness.fresh().zk.exists(scope.root, false).getPzxid();
        owner.close();
        var after = witness.fresh().zk.exists(scope.root, false);
        equal(after.getNumChildren(), 0, "children");
        that(after.getPzxid() > before, "pzxid moves");
        equal(after.getCversion(), 2 * count, "cversion");
    }

    private static void idsDiffer(Scope scope) throws Exception {
        Set<Long> ids = new HashSet<>();
        for (int i = 0; i < 30; i++) {
            Client c = Client.connect(scope);
            ids.add(c.zk.getSessionId());
            c.close();
        }
        equal(ids.size(), 30, "different ids");
        that(!ids.contains(0L), "none is zero");
    }

    private static void expiryOfMany(Scope scope) throws Exception {
        Client witness = Client.connect(scope).withRoot(scope);
        Proxy proxy = scope.proxy();
        List<Client> doomed = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            Client c = Client.connect(scope, proxy.address(), 2000);
            c.create(scope.root + "/e" + i, "", CreateMode.EPHEMERAL);
            doomed.add(c);
        }
        witness.fresh();
        proxy.refuse();
        eventually(() -> witness.zk.exists(scope.root, false).getNumChildren() == 0, "all sessions expire");
        proxy.allow();
        for (Client c : doomed) {
            c.awaitState(KeeperState.Expired);
        }
    }
}
