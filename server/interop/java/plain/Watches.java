package plain;

import static interop.Check.equal;
import static interop.Check.raises;
import static interop.Check.that;

import interop.Scope;
import interop.Suite;
import java.util.List;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher.WatcherType;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooDefs.Perms;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;

/** One-shot watches: which change fires which, once, and in which order. */
final class Watches {
    private Watches() {}

    static void register(Suite suite) {
        suite.test("watch_data", Watches::data);
        suite.test("watch_exists", Watches::exists);
        suite.test("watch_children", Watches::children);
        suite.test("watch_data_and_children_of_one_node", Watches::dataAndChildren);
        suite.test("watch_order_of_create_and_delete", Watches::order);
        suite.test("watch_set_by_a_failed_read", Watches::failedRead);
        suite.test("watch_fires_once_for_two", Watches::oneEventForTwoReads);
        suite.test("watch_not_fired_by_acl_or_failure", Watches::notFired);
        suite.test("watch_of_ephemerals_of_a_closed_session", Watches::closedSession);
        suite.test("watch_removal", Watches::removal);
        suite.test("watch_hidden_by_acl", Watches::hiddenByAcl);
        suite.test("watch_many", Watches::many);
    }

    private static void data(Scope scope) throws Exception {
        Client writer = Client.connect(scope).withRoot(scope);
        Client c = Client.connect(scope);
        String node = writer.create(scope.root + "/n", "0");
        c.fresh().zk.getData(node, true, null);
        writer.create(node + "/kid", "");
        writer.delete(node + "/kid");
        writer.set(node, "1");
        writer.set(node, "2");
        c.expect("NodeDataChanged " + node);
        c.expectNothingMore();
        c.zk.getData(node, true, null);
        writer.delete(node);
        c.expect("NodeDeleted " + node);
        writer.create(node, "3");
        c.expectNothingMore();
    }

    private static void exists(Scope scope) throws Exception {
        Client writer = Client.connect(scope).withRoot(scope);
        Client c = Client.connect(scope);
        String node = scope.root + "/n";
        equal(c.zk.exists(node, true), null, "exists");
        writer.create(node, "");
        c.expect("NodeCreated " + node);
        c.zk.exists(node, true);
        writer.set(node, "");
        c.expect("NodeDataChanged " + node);
        c.zk.exists(node, true);
        writer.delete(node);
        c.expect("NodeDeleted " + node);
        c.expectNothingMore();
    }

    private static void children(Scope scope) throws Exception {
        Client writer = Client.connect(scope).withRoot(scope);
        Client c = Client.connect(scope);
        String node = writer.create(scope.root + "/n", "");
        c.fresh().zk.getChildren(node, true);
        writer.set(node, "x");
        writer.create(node + "/kid", "");
        c.expect("NodeChildrenChanged " + node);
        c.zk.getChildren(node, true);
        writer.set(node + "/kid", "x");
        writer.create(node + "/kid/deep", "");
        writer.delete(node + "/kid/deep");
        c.expectNothingMore();
        writer.delete(node + "/kid");
        c.expect("NodeChildrenChanged " + node);
        c.zk.getChildren(node, true);
        writer.delete(node);
        c.expect("NodeDeleted " + node);
    }

    private static void dataAndChildren(Scope scope) throws Exception {
        Client writer = Client.connect(scope).withRoot(scope);
        Client c = Client.connect(scope);
        String node = writer.create(scope.root + "/n", "");
        c.fresh().zk.getData(node, true, null);
        c.zk.getChildren(node, true);
        c.zk.exists(node, true);
        writer.delete(node);
        c.expect("NodeDeleted " + node);
        writer.create(node, "");
        c.expectNothingMore();
    }

    private static void order(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        String node = scope.root + "/n";
        c.zk.exists(node, true);
        c.zk.getChildren(scope.root, true);
        c.create(node, "");
        c.expect("NodeCreated " + node, "NodeChildrenChanged " + scope.root);
        c.zk.exists(node, true);
        c.zk.getChildren(scope.root, true);
        c.delete(node);
        c.expect("NodeDeleted " + node, "NodeChildrenChanged " + scope.root);
    }

    private static void failedRead(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        String node = scope.root + "/n";
        raises(KeeperException.NoNodeException.class, () -> c.zk.getData(node, true, null));
        raises(KeeperException.NoNodeException.class, () -> c.zk.getChildren(node, true));
        c.create(node, "");
        c.expectNothingMore();
    }

    private static void oneEventForTwoReads(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        c.zk.getData(scope.root, true, null);
        c.zk.getData(scope.root, true, null);
        c.zk.exists(scope.root, true);
        c.set(scope.root, "x");
        c.expect("NodeDataChanged " + scope.root);
        c.expectNothingMore();
    }

    private static void notFired(Scope scope) throws Exception {
        Client writer = Client.connect(scope).withRoot(scope);
        Client c = Client.connect(scope);
        writer.create(scope.root + "/kid", "");
        c.fresh().zk.getData(scope.root, true, null);
        c.zk.getChildren(scope.root, true);
        writer.zk.setACL(scope.root, Ids.OPEN_ACL_UNSAFE, -1);
        raises(KeeperException.BadVersionException.class, () -> writer.zk.setData(scope.root, null, 9));
        raises(KeeperException.NodeExistsException.class, () -> writer.create(scope.root + "/kid", ""));
        c.expectNothingMore();
        writer.set(scope.root, "x");
        c.expect("NodeDataChanged " + scope.root);
    }

    private static void closedSession(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        Client owner = Client.connect(scope);
        String node = owner.create(scope.root + "/e", "", CreateMode.EPHEMERAL);
        c.fresh().zk.exists(node, true);
        c.zk.getChildren(scope.root, true);
        owner.close();
        c.expect("NodeDeleted " + node, "NodeChildrenChanged " + scope.root);
    }

    private static void removal(Scope scope) throws Exception {
        Client writer = Client.connect(scope).withRoot(scope);
        Client c = Client.connect(scope);
        String root = scope.root;
        c.zk.getData(root, true, null);
        c.zk.getChildren(root, true);
        c.zk.removeWatches(root, c, WatcherType.Data, false);
        c.expect("DataWatchRemoved " + root);
        writer.set(root, "x");
        writer.create(root + "/kid", "");
        c.expect("NodeChildrenChanged " + root);
        c.expectNothingMore();
        c.zk.getData(root, true, null);
        c.zk.getChildren(root, true);
        c.zk.removeAllWatches(root, WatcherType.Any, false);
        that(c.events.poll(interop.Check.WAIT_SECONDS, java.util.concurrent.TimeUnit.SECONDS) != null, "a removal is reported");
        that(c.events.poll(interop.Check.WAIT_SECONDS, java.util.concurrent.TimeUnit.SECONDS) != null, "the other removal too");
        writer.set(root, "y");
        writer.delete(root + "/kid");
        c.expectNothingMore();
        raises(KeeperException.NoWatcherException.class, () -> {
            c.zk.removeAllWatches(root, WatcherType.Any, false);
            return null;
        });
    }

    /** Who may not read a node learns nothing of its changes, even with a watch that exists() let it set. */
    private static void hiddenByAcl(Scope scope) throws Exception {
        Client owner = Client.connect(scope).withRoot(scope);
        Client c = Client.connect(scope);
        owner.zk.addAuthInfo("digest", "amy:pw".getBytes());
        String node = scope.root + "/secret";
        c.zk.exists(node, true);
        owner.zk.create(node, null, Client.acl(new ACL(Perms.ALL, new Id("auth", ""))), CreateMode.PERSISTENT);
        owner.set(node, "x");
        owner.delete(node);
        c.expectNothingMore();
    }

    private static void many(Scope scope) throws Exception {
        Client writer = Client.connect(scope).withRoot(scope);
        Client c = Client.connect(scope);
        for (int i = 0; i < 1000; i++) {
            c.zk.exists(scope.root + "/n" + i, true, (rc, path, context, stat) -> {}, null);
        }
        c.expectNothingMore();
        for (int i = 0; i < 1000; i++) {
            writer.zk.create(scope.root + "/n" + i, null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT, (rc, path, context, name) -> {}, null);
        }
        for (int i = 0; i < 1000; i++) {
            c.expect("NodeCreated " + scope.root + "/n" + i);
        }
    }
}
