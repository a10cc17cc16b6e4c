package plain;

import static interop.Check.raises;

import interop.Scope;
import interop.Suite;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher.WatcherType;

/** Watches that stay: on one node, and on a whole subtree. */
final class PersistentWatches {
    private PersistentWatches() {}

    static void register(Suite suite) {
        suite.test("persistent_watch", PersistentWatches::persistent);
        suite.test("recursive_watch", PersistentWatches::recursive);
        suite.test("recursive_watch_on_the_root", PersistentWatches::recursiveOnTheRoot);
        suite.test("recursive_watches_nested", PersistentWatches::nested);
        suite.test("persistent_watch_removal", PersistentWatches::removal);
        suite.test("persistent_watch_on_a_missing_node", PersistentWatches::missing);
    }

    private static void persistent(Scope scope) throws Exception {
        Client writer = Client.connect(scope).withRoot(scope);
        Client c = Client.connect(scope);
        String node = writer.create(scope.root + "/n", "");
        c.fresh().watch(node, AddWatchMode.PERSISTENT);
        for (int round = 0; round < 3; round++) {
            writer.set(node, "x");
            writer.create(node + "/kid", "");
            writer.set(node + "/kid", "not seen");
            writer.delete(node + "/kid");
            c.expect("NodeDataChanged " + node, "NodeChildrenChanged " + node, "NodeChildrenChanged " + node);
        }
        writer.delete(node);
        writer.create(node, "");
        c.expect("NodeDeleted " + node, "NodeCreated " + node);
        c.expectNothingMore();
    }

    private static void recursive(Scope scope) throws Exception {
        Client writer = Client.connect(scope).withRoot(scope);
        Client c = Client.connect(scope);
        String root = scope.root;
        c.watch(root, AddWatchMode.PERSISTENT_RECURSIVE);
        writer.create(root + "/a", "");
        writer.create(root + "/a/b", "", CreateMode.EPHEMERAL);
        writer.create(root + "/a/s-", "", CreateMode.PERSISTENT_SEQUENTIAL);
        writer.set(root + "/a/b", "x");
        writer.set(root, "x");
        writer.delete(root + "/a/s-0000000001");
        writer.delete(root + "/a/b");
        c.expect("NodeCreated " + root + "/a", "NodeCreated " + root + "/a/b", "NodeCreated " + root + "/a/s-0000000001", "NodeDataChanged " + root + "/a/b",
            "NodeDataChanged " + root, "NodeDeleted " + root + "/a/s-0000000001", "NodeDeleted " + root + "/a/b");
        writer.create(root + "x", "a sibling whose name begins alike");
        writer.delete(root + "x");
        c.expectNothingMore();
    }

    private static void recursiveOnTheRoot(Scope scope) throws Exception {
        Client writer = Client.connect(scope);
        Client c = Client.connect(scope);
        c.watch("/", AddWatchMode.PERSISTENT_RECURSIVE);
        writer.withRoot(scope);
        // Other tests run beside this one, so there is more to see than our own change.
        interop.Check.eventually(() -> c.events.contains("NodeCreated " + scope.root), "the event of our node");
        c.zk.removeWatches("/", c, WatcherType.Any, false);
    }

    private static void nested(Scope scope) throws Exception {
        Client writer = Client.connect(scope).withRoot(scope);
        Client c = Client.connect(scope);
        String root = scope.root;
        writer.create(root + "/a", "");
        c.fresh().watch(root, AddWatchMode.PERSISTENT_RECURSIVE);
        c.watch(root + "/a", AddWatchMode.PERSISTENT_RECURSIVE);
        writer.create(root + "/a/b", "");
        // One event a change and connection, however many of its watches match.
        c.expect("NodeCreated " + root + "/a/b");
        c.expectNothingMore();
    }

    private static void removal(Scope scope) throws Exception {
        Client writer = Client.connect(scope).withRoot(scope);
        Client c = Client.connect(scope);
        String root = scope.root;
        for (AddWatchMode mode : AddWatchMode.values()) {
            c.watch(root, mode);
            writer.set(root, "x");
            c.expect("NodeDataChanged " + root);
            c.zk.removeWatches(root, c, WatcherType.Any, false);
            c.expect("PersistentWatchRemoved " + root);
            writer.set(root, "y");
            writer.create(root + "/" + mode, "");
            c.expectNothingMore();
        }
        raises(KeeperException.NoWatcherException.class, () -> {
            c.zk.removeWatches(root, c, WatcherType.Any, false);
            return null;
        });
    }

    private static void missing(Scope scope) throws Exception {
        Client writer = Client.connect(scope).withRoot(scope);
        Client c = Client.connect(scope);
        String node = scope.root + "/later/much";
        c.watch(node, AddWatchMode.PERSISTENT);
        writer.create(scope.root + "/later", "");
        writer.create(node, "");
        writer.set(node, "x");
        c.expect("NodeCreated " + node, "NodeDataChanged " + node);
        c.expectNothingMore();
    }
}
