package recipes;

import static interop.Check.equal;
import static interop.Check.eventually;
import static interop.Check.that;

import interop.Check;
import interop.Proxy;
import interop.Scope;
import interop.Suite;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.nodes.GroupMember;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.nodes.PersistentTtlNode;
import org.apache.zookeeper.CreateMode;

/** Nodes that Curator keeps alive, and groups of members. */
final class Nodes {
    private Nodes() {}

    static void register(Suite suite) {
        suite.test("persistent_node", Nodes::persistentNode);
        suite.test("persistent_node_after_a_lost_session", Nodes::persistentNodeLosesItsSession);
        suite.test("persistent_ttl_node", Nodes::persistentTtlNode, "ttl", "sweep");
        suite.test("group_member", Nodes::groupMember);
    }

    private static PersistentNode node(Scope scope, CuratorFramework client, CreateMode mode, String path) throws Exception {
        PersistentNode node = scope.own(new PersistentNode(client, mode, false, path, "v".getBytes()));
        node.start();
        that(node.waitForInitialCreate(Check.WAIT_SECONDS, TimeUnit.SECONDS), "the node is made");
        return node;
    }

    private static void persistentNode(Scope scope) throws Exception {
        CuratorFramework witness = Curator.withRoot(scope);
        PersistentNode node = node(scope, Curator.connect(scope), CreateMode.EPHEMERAL, scope.root + "/n");
        equal(new String(Curator.fresh(witness).getData().forPath(scope.root + "/n")), "v", "data");
        long first = witness.checkExists().forPath(scope.root + "/n").getCzxid();
        witness.delete().forPath(scope.root + "/n");
        eventually(() -> witness.checkExists().forPath(scope.root + "/n") != null && witness.checkExists().forPath(scope.root + "/n").getCzxid() > first, "it is made again");
        node.setData("w".getBytes());
        eventually(() -> new String(witness.getData().forPath(scope.root + "/n")).equals("w"), "new data");
        node.close();
        eventually(() -> witness.checkExists().forPath(scope.root + "/n") == null, "closing deletes it");
    }

    private static void persistentNodeLosesItsSession(Scope scope) throws Exception {
        CuratorFramework witness = Curator.withRoot(scope);
        Proxy proxy = scope.proxy();
        node(scope, Curator.connect(scope, proxy.address(), 1000), CreateMode.EPHEMERAL, scope.root + "/n");
        long owner = Curator.fresh(witness).checkExists().forPath(scope.root + "/n").getEphemeralOwner();
        proxy.refuse();
        eventually(() -> witness.checkExists().forPath(scope.root + "/n") == null, "it goes with its session");
        proxy.allow();
        eventually(() -> witness.checkExists().forPath(scope.root + "/n") != null, "it is made again in a new session");
        that(witness.checkExists().forPath(scope.root + "/n").getEphemeralOwner() != owner, "its owner is another session");
    }

    private static void persistentTtlNode(Scope scope) throws Exception {
        CuratorFramework witness = Curator.withRoot(scope);
        PersistentTtlNode node = scope.own(new PersistentTtlNode(Curator.connect(scope), scope.root + "/ttl", 1000, "v".getBytes()));
        node.start();
        that(node.waitForInitialCreate(Check.WAIT_SECONDS, TimeUnit.SECONDS), "the node is made");
        long version = Curator.fresh(witness).checkExists().forPath(scope.root + "/ttl").getVersion();
        // Its owner touches a child before the time to live runs out, over and over; the parent is kept by the child.
        eventually(() -> witness.checkExists().forPath(scope.root + "/ttl/touch") != null && witness.checkExists().forPath(scope.root + "/ttl/touch").getVersion() > version + 2, "it is touched");
        that(witness.checkExists().forPath(scope.root + "/ttl") != null, "it lives past its time");
        node.close();
        eventually(() -> witness.checkExists().forPath(scope.root + "/ttl") == null, "it goes when nobody touches it any more");
    }

    private static void groupMember(Scope scope) throws Exception {
        CuratorFramework first = Curator.withRoot(scope);
        GroupMember one = scope.own(new GroupMember(first, scope.root + "/group", "one", "1".getBytes()));
        CuratorFramework second = Curator.connect(scope);
        GroupMember two = new GroupMember(second, scope.root + "/group", "two", "2".getBytes());
        one.start();
        two.start();
        eventually(() -> one.getCurrentMembers().keySet().equals(Set.of("one", "two")), "two members");
        equal(new String(one.getCurrentMembers().get("two")), "2", "data of a member");
        second.close();
        eventually(() -> one.getCurrentMembers().keySet().equals(Set.of("one")), "one is left");
    }
}
