package recipes;

import static interop.Check.equal;
import static interop.Check.eventually;
import static interop.Check.raises;
import static interop.Check.that;

import interop.Check;
import interop.Proxy;
import interop.Scope;
import interop.Suite;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.api.transaction.CuratorOp;
import org.apache.curator.framework.api.transaction.CuratorTransactionResult;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.data.Stat;

/** Curator's plain calls: what it adds to ZooKeeper's client, and how it lives through a broken connection. */
final class Framework {
    private Framework() {}

    static void register(Suite suite) {
        suite.test("framework_crud", Framework::crud);
        suite.test("framework_background", Framework::background);
        suite.test("framework_protected_create", Framework::protectedCreate);
        suite.test("framework_transactions", Framework::transactions);
        suite.test("framework_namespace", Framework::namespace);
        suite.test("framework_watches", Framework::watches);
        suite.test("framework_compression", Framework::compression);
        suite.test("framework_idempotent_set_and_delete", Framework::idempotent);
        suite.test("framework_connection_states", Framework::connectionStates);
        suite.test("framework_session_lost", Framework::sessionLost);
        suite.test("framework_auth", Framework::auth);
        suite.test("framework_learns_the_members", Framework::learnsTheMembers, "ensemble");
    }

    private static void crud(Scope scope) throws Exception {
        CuratorFramework c = Curator.withRoot(scope);
        String deep = scope.root + "/a/b/c";
        equal(c.create().creatingParentsIfNeeded().forPath(deep, "v".getBytes()), deep, "created path");
        equal(new String(c.getData().forPath(deep)), "v", "data");
        Stat stat = c.setData().withVersion(0).forPath(deep, "w".getBytes());
        equal(stat.getVersion(), 1, "version");
        raises(KeeperException.BadVersionException.class, () -> c.setData().withVersion(0).forPath(deep, "x".getBytes()));
        equal(c.create().orSetData().forPath(deep, "y".getBytes()), deep, "create or set");
        equal(c.checkExists().forPath(deep).getVersion(), 2, "version");
        c.create().creatingParentContainersIfNeeded().withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath(scope.root + "/in/e-");
        equal(c.getChildren().forPath(scope.root + "/in"), List.of("e-0000000000"), "children of the container");
        c.delete().deletingChildrenIfNeeded().forPath(scope.root + "/a");
        equal(c.checkExists().forPath(deep), null, "stat after the deletion");
        c.delete().quietly().forPath(scope.root + "/a");
    }

    private static void background(Scope scope) throws Exception {
        CuratorFramework c = Curator.withRoot(scope);
        CountDownLatch done = new CountDownLatch(200);
        List<Integer> codes = Collections.synchronizedList(new ArrayList<>());
        for (int i = 0; i < 200; i++) {
            c.create().inBackground((client, event) -> {
                codes.add(event.getResultCode());
                done.countDown();
            }).forPath(scope.root + "/n" + i);
        }
        that(done.await(Check.WAIT_SECONDS, TimeUnit.SECONDS), "all calls are answered");
        equal(codes, Collections.nCopies(200, 0), "codes");
        CompletableFuture<String> synced = new CompletableFuture<>();
        c.sync().inBackground((client, event) -> synced.complete(event.getPath())).forPath(scope.root);
        equal(Check.await(synced), scope.root, "path of the sync");
    }

    /** The protected mode finds a node again whose creation was not answered because the connection broke. */
    private static void protectedCreate(Scope scope) throws Exception {
        CuratorFramework witness = Curator.withRoot(scope);
        Proxy proxy = scope.proxy();
        CuratorFramework c = Curator.connect(scope, proxy.address(), Curator.SESSION_MS);
        for (int i = 0; i < 5; i++) {
            proxy.hold();
            CompletableFuture<String> made = Check.spawn(() -> c.create().withProtection().withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath(scope.root + "/p-"));
            proxy.drop();
            that(Check.await(made).startsWith(scope.root + "/_c_"), "the created path");
            equal(Curator.fresh(witness).getChildren().forPath(scope.root).size(), i + 1, "nodes");
        }
    }

    private static void transactions(Scope scope) throws Exception {
        CuratorFramework c = Curator.withRoot(scope);
        CuratorOp create = c.transactionOp().create().withMode(CreateMode.PERSISTENT_SEQUENTIAL).forPath(scope.root + "/s-", "v".getBytes());
        CuratorOp check = c.transactionOp().check().withVersion(0).forPath(scope.root);
        CuratorOp set = c.transactionOp().setData().forPath(scope.root, "w".getBytes());
        List<CuratorTransactionResult> results = c.transaction().forOperations(create, check, set);
        equal(results.get(0).getResultPath(), scope.root + "/s-0000000000", "created path");
        equal(results.get(2).getResultStat().getVersion(), 1, "version");
        raises(KeeperException.BadVersionException.class, () -> c.transaction().forOperations(create, check));
        equal(c.getChildren().forPath(scope.root).size(), 1, "children after the failed transaction");
    }

    private static void namespace(Scope scope) throws Exception {
        CuratorFramework c = Curator.withRoot(scope);
        CuratorFramework spaced = c.usingNamespace(scope.root.substring(1) + "/ns");
        equal(spaced.create().forPath("/x", "v".getBytes()), "/x", "created path");
        equal(new String(c.getData().forPath(scope.root + "/ns/x")), "v", "data");
    }

    private static void watches(Scope scope) throws Exception {
        CuratorFramework c = Curator.withRoot(scope);
        LinkedBlockingQueue<String> events = new LinkedBlockingQueue<>();
        c.checkExists().usingWatcher((org.apache.zookeeper.Watcher) event -> events.add("once " + event.getType())).forPath(scope.root + "/n");
        c.watchers().add().withMode(AddWatchMode.PERSISTENT_RECURSIVE).usingWatcher((org.apache.zookeeper.Watcher) event -> events.add("always " + event.getType() + " " + event.getPath()))
            .forPath(scope.root);
        c.create().forPath(scope.root + "/n");
        c.create().forPath(scope.root + "/n/m");
        List<String> want = List.of("always NodeCreated " + scope.root + "/n", "always NodeCreated " + scope.root + "/n/m", "once NodeCreated");
        eventually(() -> events.size() >= 3, "three events");
        equal(events.stream().sorted().toList(), want, "events");
        c.watchers().removeAll().forPath(scope.root);
        c.delete().forPath(scope.root + "/n/m");
        c.sync().forPath(scope.root);
        eventually(() -> events.contains("always PersistentWatchRemoved " + scope.root), "the removal is reported");
        that(events.stream().noneMatch(event -> event.contains("NodeDeleted")), "no event after the removal");
    }

    private static void compression(Scope scope) throws Exception {
        CuratorFramework c = Curator.withRoot(scope);
        byte[] data = "a long line, again and again. ".repeat(2000).getBytes();
        c.create().compressed().forPath(scope.root + "/z", data);
        equal(c.getData().decompressed().forPath(scope.root + "/z"), data, "data");
        that(c.checkExists().forPath(scope.root + "/z").getDataLength() < data.length / 10, "it is stored compressed");
    }

    private static void idempotent(Scope scope) throws Exception {
        CuratorFramework c = Curator.withRoot(scope);
        c.create().idempotent().forPath(scope.root + "/a", "v".getBytes());
        c.setData().idempotent().withVersion(0).forPath(scope.root + "/a", "w".getBytes());
        equal(c.checkExists().forPath(scope.root + "/a").getVersion(), 1, "version");
        c.delete().idempotent().withVersion(1).forPath(scope.root + "/a");
        c.delete().idempotent().withVersion(1).forPath(scope.root + "/a");
    }

    private static void connectionStates(Scope scope) throws Exception {
        CuratorFramework witness = Curator.withRoot(scope);
        Proxy proxy = scope.proxy();
        CuratorFramework c = Curator.connect(scope, proxy.address(), Curator.SESSION_MS);
        LinkedBlockingQueue<ConnectionState> states = new LinkedBlockingQueue<>();
        c.getConnectionStateListenable().addListener((client, state) -> states.add(state));
        c.create().withMode(CreateMode.EPHEMERAL).forPath(scope.root + "/e");
        long session = c.getZookeeperClient().getZooKeeper().getSessionId();
        proxy.drop();
        // The listener may come early enough to hear of the first connection as well.
        eventually(() -> states.contains(ConnectionState.SUSPENDED), "suspended");
        states.remove(ConnectionState.CONNECTED);
        equal(states.poll(), ConnectionState.SUSPENDED, "state");
        equal(states.poll(Check.WAIT_SECONDS, TimeUnit.SECONDS), ConnectionState.RECONNECTED, "state");
        equal(c.getZookeeperClient().getZooKeeper().getSessionId(), session, "session");
        that(Curator.fresh(witness).checkExists().forPath(scope.root + "/e") != null, "the ephemeral is still there");
    }

    private static void sessionLost(Scope scope) throws Exception {
        CuratorFramework witness = Curator.withRoot(scope);
        Proxy proxy = scope.proxy();
        CuratorFramework c = Curator.connect(scope, proxy.address(), 1000);
        LinkedBlockingQueue<ConnectionState> states = new LinkedBlockingQueue<>();
        c.getConnectionStateListenable().addListener((client, state) -> states.add(state));
        c.create().withMode(CreateMode.EPHEMERAL).forPath(scope.root + "/e");
        Curator.fresh(witness);
        proxy.refuse();
        eventually(() -> witness.checkExists().forPath(scope.root + "/e") == null, "the session expires");
        proxy.allow();
        eventually(() -> states.contains(ConnectionState.LOST) && states.contains(ConnectionState.RECONNECTED), "lost, then connected in a new session");
        equal(new String(c.getData().forPath(scope.root)), "", "and it works");
    }

    /** A client that was told of one member finds the others in the ensemble's configuration. */
    private static void learnsTheMembers(Scope scope) throws Exception {
        CuratorFramework c = scope.own(org.apache.curator.framework.CuratorFrameworkFactory.newClient(Scope.member(), new org.apache.curator.retry.RetryNTimes(10, 100)));
        c.start();
        Set<String> members = Set.of(Scope.server().split(","));
        eventually(() -> Set.of(c.getZookeeperClient().getCurrentConnectionString().split(",")).equals(members), "all members are known");
    }

    private static void auth(Scope scope) throws Exception {
        CuratorFramework stranger = Curator.withRoot(scope);
        CuratorFramework c = scope.own(org.apache.curator.framework.CuratorFrameworkFactory.builder().connectString(Scope.server()).authorization("digest", "amy:pw".getBytes())
            .retryPolicy(new org.apache.curator.retry.RetryNTimes(10, 100)).build());
        c.start();
        c.create().withACL(org.apache.zookeeper.ZooDefs.Ids.CREATOR_ALL_ACL).forPath(scope.root + "/mine", "v".getBytes());
        equal(new String(c.getData().forPath(scope.root + "/mine")), "v", "data");
        raises(KeeperException.NoAuthException.class, () -> Curator.fresh(stranger).getData().forPath(scope.root + "/mine"));
    }
}
