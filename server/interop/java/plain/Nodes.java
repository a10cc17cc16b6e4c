package plain;

import static interop.Check.equal;
import static interop.Check.eventually;
import static interop.Check.raises;
import static interop.Check.that;

import interop.Scope;
import interop.Suite;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.data.ClientInfo;
import org.apache.zookeeper.data.Stat;

/** Creating, reading, changing and deleting nodes; every field of a stat. */
final class Nodes {
    private Nodes() {}

    static void register(Suite suite) {
        suite.test("create_modes", Nodes::createModes);
        suite.test("create_returns_stat", Nodes::createReturnsStat);
        suite.test("stat_after_each_operation", Nodes::statAfterEachOperation);
        suite.test("data_of_every_size", Nodes::dataOfEverySize);
        suite.test("names", Nodes::names);
        suite.test("many_children", Nodes::manyChildren);
        suite.test("ephemerals_and_counts", Nodes::ephemeralsAndCounts);
        suite.test("ttl_modes", Nodes::ttlModes, "ttl");
        suite.test("ttl_node_goes", Nodes::ttlNodeGoes, "ttl", "sweep");
        suite.test("container_goes", Nodes::containerGoes, "sweep");
        suite.test("system_nodes", Nodes::systemNodes);
    }

    private static void createModes(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        String root = scope.root;
        equal(c.create(root + "/p", "v"), root + "/p", "persistent");
        equal(c.create(root + "/e", "v", CreateMode.EPHEMERAL), root + "/e", "ephemeral");
        equal(c.create(root + "/s-", "v", CreateMode.PERSISTENT_SEQUENTIAL), root + "/s-0000000002", "persistent sequential");
        equal(c.create(root + "/t-", "v", CreateMode.EPHEMERAL_SEQUENTIAL), root + "/t-0000000003", "ephemeral sequential");
        equal(c.create(root + "/c", "v", CreateMode.CONTAINER), root + "/c", "container");
        long session = c.zk.getSessionId();
        equal(c.zk.exists(root + "/e", false).getEphemeralOwner(), session, "owner of an ephemeral");
        equal(c.zk.exists(root + "/t-0000000003", false).getEphemeralOwner(), session, "owner of an ephemeral sequential");
        equal(c.zk.exists(root + "/p", false).getEphemeralOwner(), 0L, "owner of a persistent node");
        equal(c.zk.exists(root + "/c", false).getEphemeralOwner(), 0L, "owner of a container");
    }

    private static void createReturnsStat(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        for (CreateMode mode : List.of(CreateMode.PERSISTENT, CreateMode.EPHEMERAL_SEQUENTIAL, CreateMode.CONTAINER)) {
            Stat created = new Stat();
            String path = c.zk.create(scope.root + "/" + mode, "four".getBytes(), Ids.OPEN_ACL_UNSAFE, mode, created);
            equal(created, c.zk.exists(path, false), "stat of " + mode);
            equal(created.getDataLength(), 4, "data length of " + mode);
        }
    }

    private static void statAfterEachOperation(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        String node = c.create(scope.root + "/n", "abc");
        Stat made = c.zk.exists(node, false);
        that(made.getCzxid() > 0 && made.getCzxid() == made.getMzxid() && made.getCzxid() == made.getPzxid(), "zxids at creation");
        equal(made.getCtime(), made.getMtime(), "times at creation");
        that(Math.abs(made.getCtime() - System.currentTimeMillis()) < 60_000, "ctime is now");
        equal(counters(made), List.of(0, 0, 0, 3, 0), "counters at creation");

        Stat set = c.set(node, "abcde");
        that(set.getMzxid() > made.getMzxid() && set.getMtime() >= made.getMtime(), "setData moves mzxid and mtime");
        equal(List.of(set.getCzxid(), set.getCtime(), set.getPzxid()), List.of(made.getCzxid(), made.getCtime(), made.getPzxid()), "and nothing else");
        equal(counters(set), List.of(1, 0, 0, 5, 0), "counters after setData");

        c.create(node + "/kid", "");
        Stat parent = c.zk.exists(node, false);
        equal(parent.getPzxid(), c.zk.exists(node + "/kid", false).getCzxid(), "pzxid is the child's czxid");
        equal(counters(parent), List.of(1, 1, 0, 5, 1), "counters after a child was created");
        c.set(node + "/kid", "x");
        equal(c.zk.exists(node, false), parent, "a child's setData does not touch the parent");
        c.delete(node + "/kid");
        Stat bereft = c.zk.exists(node, false);
        that(bereft.getPzxid() > parent.getPzxid(), "deleting a child moves pzxid");
        equal(counters(bereft), List.of(1, 2, 0, 5, 0), "counters after a child was deleted");

        Stat guarded = c.zk.setACL(node, Ids.OPEN_ACL_UNSAFE, 0);
        equal(counters(guarded), List.of(1, 2, 1, 5, 0), "counters after setACL");
        equal(List.of(guarded.getMzxid(), guarded.getMtime(), guarded.getPzxid()), List.of(set.getMzxid(), set.getMtime(), bereft.getPzxid()), "setACL moves no zxid and no time");
    }

    private static List<Integer> counters(Stat stat) {
        return List.of(stat.getVersion(), stat.getCversion(), stat.getAversion(), stat.getDataLength(), stat.getNumChildren());
    }

    private static void dataOfEverySize(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        c.zk.create(scope.root + "/null", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        equal(c.zk.getData(scope.root + "/null", false, null), null, "null data");
        for (int size : new int[] {0, 1, 1000, 65_536, 1_000_000}) {
            byte[] data = new byte[size];
            for (int i = 0; i < size; i++) {
                data[i] = (byte) (i * 31);
            }
            String path = scope.root + "/" + size;
            c.zk.create(path, data, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
            Stat stat = new Stat();
            equal(c.zk.getData(path, false, stat), data, size + " bytes");
            equal(stat.getDataLength(), size, "dataLength");
        }
        // Past jute.maxbuffer the server closes the connection; the session lives on.
        long session = c.zk.getSessionId();
        raises(KeeperException.ConnectionLossException.class, () -> c.zk.setData(scope.root + "/1", new byte[1_100_000], -1));
        eventually(() -> c.zk.getState().isConnected(), "connected again");
        equal(c.zk.getSessionId(), session, "session");
        equal(c.zk.exists(scope.root + "/1", false).getVersion(), 0, "version after the refused write");
    }

    private static void names(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        List<String> names = new ArrayList<>(List.of("...", ".a", "a..b", " ", "with space", "ümläut", "漢字", "%2F", "a\\b", "-", "x".repeat(500)));
        for (String name : names) {
            equal(c.create(scope.root + "/" + name, name), scope.root + "/" + name, "created path");
            equal(c.get(scope.root + "/" + name), name, "data");
        }
        List<String> children = c.zk.getChildren(scope.root, false);
        Collections.sort(children);
        Collections.sort(names);
        equal(children, names, "children");
    }

    private static void manyChildren(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        int count = 3000;
        var last = new java.util.concurrent.CompletableFuture<Integer>();
        for (int i = 0; i < count; i++) {
            boolean isLast = i == count - 1;
            c.zk.create(scope.root + "/child-with-a-rather-long-name-" + i, null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT, (rc, path, context, name) -> {
                if (isLast) {
                    last.complete(rc);
                }
            }, null);
        }
        equal(interop.Check.await(last), 0, "the last create");
        Stat stat = new Stat();
        equal(c.zk.getChildren(scope.root, false, stat).size(), count, "children");
        equal(stat.getNumChildren(), count, "numChildren");
        equal(c.zk.getAllChildrenNumber(scope.root), count, "getAllChildrenNumber");
    }

    private static void ephemeralsAndCounts(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        Client other = Client.connect(scope);
        String root = scope.root;
        c.create(root + "/a", "");
        for (String path : List.of("/a/e1", "/a/e2", "/ab")) {
            c.create(root + path, "", CreateMode.EPHEMERAL);
        }
        other.create(root + "/foreign", "", CreateMode.EPHEMERAL);
        equal(sorted(c.zk.getEphemerals()), List.of(root + "/a/e1", root + "/a/e2", root + "/ab"), "all of this session");
        equal(sorted(c.zk.getEphemerals(root + "/a/e")), List.of(root + "/a/e1", root + "/a/e2"), "below a node");
        equal(sorted(c.zk.getEphemerals(root + "/a")), List.of(root + "/a/e1", root + "/a/e2", root + "/ab"), "the prefix is one of text");
        equal(c.zk.getEphemerals(root + "/none"), List.of(), "no match");
        equal(c.fresh().zk.getAllChildrenNumber(root), 5, "getAllChildrenNumber");
        List<ClientInfo> who = c.zk.whoAmI();
        equal(who.size(), 1, "identities");
        equal(who.get(0).getAuthScheme() + ":" + who.get(0).getUser(), "ip:127.0.0.1", "identity");
        other.close();
        equal(c.fresh().zk.getAllChildrenNumber(root), 4, "after the other session was closed");
    }

    private static List<String> sorted(List<String> list) {
        List<String> copy = new ArrayList<>(list);
        Collections.sort(copy);
        return copy;
    }

    private static void ttlModes(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        Stat stat = new Stat();
        String one = c.zk.create(scope.root + "/t", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_WITH_TTL, stat, 600_000);
        equal(List.of(one, stat.getEphemeralOwner()), List.of(scope.root + "/t", 0L), "TTL node");
        String two = c.zk.create(scope.root + "/s-", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL, stat, 600_000);
        equal(two, scope.root + "/s-0000000001", "sequential TTL node");
        c.create(one + "/kid", "a TTL node may have children");
        long most = 0xffffffffffL;
        c.zk.create(scope.root + "/most", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_WITH_TTL, stat, most);
    }

    private static void ttlNodeGoes(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        for (String name : List.of("/leaf", "/parent")) {
            c.zk.create(scope.root + name, null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_WITH_TTL, new Stat(), 300);
        }
        c.create(scope.root + "/parent/kid", "");
        that(c.zk.exists(scope.root + "/leaf", c) != null, "the node is there");
        c.expect("NodeDeleted " + scope.root + "/leaf");
        that(c.exists(scope.root + "/parent"), "children keep their parent");
        c.delete(scope.root + "/parent/kid");
        eventually(() -> !c.exists(scope.root + "/parent"), "the parent goes when its children are gone");
    }

    private static void containerGoes(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        for (String name : List.of("/used", "/unused")) {
            c.create(scope.root + name, "", CreateMode.CONTAINER);
        }
        c.create(scope.root + "/used/kid", "", CreateMode.EPHEMERAL);
        that(c.zk.exists(scope.root + "/used", c) != null, "the container is there");
        c.delete(scope.root + "/used/kid");
        c.expect("NodeDeleted " + scope.root + "/used");
        that(c.exists(scope.root + "/unused"), "a container that never had a child stays");
    }

    private static void systemNodes(Scope scope) throws Exception {
        Client c = Client.connect(scope);
        that(c.zk.getChildren("/", false).contains("zookeeper"), "/zookeeper is listed");
        List<String> below = sorted(c.zk.getChildren("/zookeeper", false));
        equal(below, List.of("config", "quota"), "children of /zookeeper");
        for (String path : List.of("/zookeeper", "/zookeeper/quota", "/zookeeper/config")) {
            raises(KeeperException.BadArgumentsException.class, () -> {
                c.delete(path);
                return null;
            });
        }
        String config = new String(c.zk.getConfig(false, new Stat()));
        if (Scope.lack().contains("standalone")) {
            String addresses = config.lines().filter(line -> line.startsWith("server.")).map(line -> line.split(";")[1]).sorted().toList().toString();
            equal(addresses, Arrays.stream(Scope.server().split(",")).sorted().toList().toString(), "where the members serve clients");
            that(config.lines().anyMatch(line -> line.startsWith("version=")), config);
        } else {
            equal(config, "", "configuration of a standalone server");
        }
        raises(KeeperException.NoAuthException.class, () -> c.set("/zookeeper/config", "mine"));
    }
}
