package recipes;

import static interop.Check.equal;
import static interop.Check.eventually;

import interop.Proxy;
import interop.Scope;
import interop.Suite;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.framework.recipes.cache.NodeCache;
import org.apache.curator.framework.recipes.cache.PathChildrenCache;
import org.apache.curator.framework.recipes.cache.TreeCache;
import org.apache.curator.framework.recipes.watch.PersistentWatcher;

/** Caches that follow a node, its children or a subtree. */
@SuppressWarnings("deprecation")
final class Caches {
    private Caches() {}

    static void register(Suite suite) {
        suite.test("curator_cache", Caches::curatorCache);
        suite.test("curator_cache_after_a_broken_connection", Caches::curatorCacheReconnects);
        suite.test("node_cache", Caches::nodeCache);
        suite.test("path_children_cache", Caches::pathChildrenCache);
        suite.test("tree_cache", Caches::treeCache);
        suite.test("tree_cache_after_a_broken_connection", Caches::treeCacheReconnects);
        suite.test("persistent_watcher", Caches::persistentWatcher);
    }

    private static void curatorCache(Scope scope) throws Exception {
        CuratorFramework writer = Curator.withRoot(scope);
        writer.create().forPath(scope.root + "/before", "0".getBytes());
        LinkedBlockingQueue<String> events = new LinkedBlockingQueue<>();
        CuratorCache cache = scope.own(CuratorCache.build(Curator.connect(scope), scope.root));
        cache.listenable().addListener(CuratorCacheListener.builder().forAll((type, old, data) -> events.add(type + " " + (data == null ? old : data).getPath()))
            .forInitialized(() -> events.add("initialised")).build());
        cache.start();
        eventually(() -> events.contains("initialised"), "the cache is filled");
        equal(cache.size(), 2, "nodes");
        events.clear();
        writer.create().forPath(scope.root + "/a", "1".getBytes());
        writer.create().forPath(scope.root + "/a/b", "2".getBytes());
        writer.setData().forPath(scope.root + "/a", "3".getBytes());
        eventually(() -> cache.get(scope.root + "/a/b").isPresent() && new String(cache.get(scope.root + "/a").get().getData()).equals("3"), "changes");
        writer.delete().deletingChildrenIfNeeded().forPath(scope.root + "/a");
        eventually(() -> cache.get(scope.root + "/a").isEmpty() && cache.get(scope.root + "/a/b").isEmpty(), "deletions");
        eventually(() -> events.containsAll(List.of("NODE_CREATED " + scope.root + "/a/b", "NODE_DELETED " + scope.root + "/a")), "events");
    }

    private static void curatorCacheReconnects(Scope scope) throws Exception {
        CuratorFramework writer = Curator.withRoot(scope);
        Proxy proxy = scope.proxy();
        CuratorCache cache = scope.own(CuratorCache.build(Curator.connect(scope, proxy.address(), Curator.SESSION_MS), scope.root));
        cache.start();
        writer.create().forPath(scope.root + "/a");
        writer.create().forPath(scope.root + "/old");
        eventually(() -> cache.get(scope.root + "/a").isPresent() && cache.get(scope.root + "/old").isPresent(), "two nodes");
        proxy.refuse();
        writer.create().forPath(scope.root + "/new");
        writer.delete().forPath(scope.root + "/old");
        writer.setData().forPath(scope.root + "/a", "changed".getBytes());
        proxy.allow();
        eventually(() -> cache.get(scope.root + "/new").isPresent() && cache.get(scope.root + "/old").isEmpty(), "what changed meanwhile");
        eventually(() -> new String(cache.get(scope.root + "/a").get().getData()).equals("changed"), "new data");
        writer.create().forPath(scope.root + "/after");
        eventually(() -> cache.get(scope.root + "/after").isPresent(), "what changes afterwards");
    }

    private static void nodeCache(Scope scope) throws Exception {
        CuratorFramework writer = Curator.withRoot(scope);
        NodeCache cache = scope.own(new NodeCache(Curator.connect(scope), scope.root + "/n"));
        cache.start(true);
        equal(cache.getCurrentData(), null, "a missing node");
        for (String value : List.of("1", "2")) {
            writer.create().orSetData().forPath(scope.root + "/n", value.getBytes());
            eventually(() -> cache.getCurrentData() != null && new String(cache.getCurrentData().getData()).equals(value), "value " + value);
        }
        writer.delete().forPath(scope.root + "/n");
        eventually(() -> cache.getCurrentData() == null, "the deletion");
    }

    private static void pathChildrenCache(Scope scope) throws Exception {
        CuratorFramework writer = Curator.withRoot(scope);
        LinkedBlockingQueue<String> events = new LinkedBlockingQueue<>();
        PathChildrenCache cache = scope.own(new PathChildrenCache(Curator.connect(scope), scope.root, true));
        cache.getListenable().addListener((client, event) -> events.add(event.getType() + (event.getData() == null ? "" : " " + event.getData().getPath())));
        cache.start(PathChildrenCache.StartMode.BUILD_INITIAL_CACHE);
        for (int i = 0; i < 10; i++) {
            writer.create().forPath(scope.root + "/n" + i, "v".getBytes());
        }
        eventually(() -> cache.getCurrentData().size() == 10, "ten children");
        writer.setData().forPath(scope.root + "/n3", "w".getBytes());
        eventually(() -> new String(cache.getCurrentData(scope.root + "/n3").getData()).equals("w"), "new data");
        writer.delete().forPath(scope.root + "/n4");
        eventually(() -> cache.getCurrentData(scope.root + "/n4") == null, "a deletion");
        eventually(() -> events.contains("CHILD_UPDATED " + scope.root + "/n3") && events.contains("CHILD_REMOVED " + scope.root + "/n4"), "events");
    }

    private static void treeCache(Scope scope) throws Exception {
        CuratorFramework writer = Curator.withRoot(scope);
        TreeCache cache = scope.own(new TreeCache(Curator.connect(scope), scope.root));
        cache.start();
        eventually(() -> cache.getCurrentData(scope.root) != null, "the root");
        for (String path : List.of("/a", "/a/b", "/a/b/c", "/d")) {
            writer.create().forPath(scope.root + path, path.getBytes());
        }
        eventually(() -> cache.getCurrentData(scope.root + "/a/b/c") != null && cache.getCurrentData(scope.root + "/d") != null, "the tree");
        equal(cache.getCurrentChildren(scope.root).keySet(), java.util.Set.of("a", "d"), "children");
        writer.delete().deletingChildrenIfNeeded().forPath(scope.root + "/a");
        eventually(() -> cache.getCurrentData(scope.root + "/a") == null, "the deletion");
    }

    private static void treeCacheReconnects(Scope scope) throws Exception {
        CuratorFramework writer = Curator.withRoot(scope);
        Proxy proxy = scope.proxy();
        TreeCache cache = scope.own(new TreeCache(Curator.connect(scope, proxy.address(), Curator.SESSION_MS), scope.root));
        cache.start();
        writer.create().forPath(scope.root + "/a");
        eventually(() -> cache.getCurrentData(scope.root + "/a") != null, "a node");
        proxy.refuse();
        writer.create().forPath(scope.root + "/a/b");
        writer.setData().forPath(scope.root + "/a", "changed".getBytes());
        proxy.allow();
        eventually(() -> cache.getCurrentData(scope.root + "/a/b") != null && new String(cache.getCurrentData(scope.root + "/a").getData()).equals("changed"), "what changed meanwhile");
    }

    private static void persistentWatcher(Scope scope) throws Exception {
        CuratorFramework writer = Curator.withRoot(scope);
        Proxy proxy = scope.proxy();
        LinkedBlockingQueue<String> events = new LinkedBlockingQueue<>();
        PersistentWatcher watcher = scope.own(new PersistentWatcher(Curator.connect(scope, proxy.address(), Curator.SESSION_MS), scope.root, true));
        LinkedBlockingQueue<String> resets = new LinkedBlockingQueue<>();
        watcher.getListenable().addListener(event -> events.add(event.getType() + " " + event.getPath()));
        watcher.getResetListenable().addListener(() -> resets.add("reset"));
        watcher.start();
        eventually(() -> !resets.isEmpty(), "the watch is set");
        writer.create().forPath(scope.root + "/a");
        eventually(() -> events.contains("NodeCreated " + scope.root + "/a"), "an event");
        // Curator may have set it twice by now, so count from here.
        int before = resets.size();
        proxy.drop();
        eventually(() -> resets.size() > before, "the watch is set again");
        writer.create().forPath(scope.root + "/b");
        eventually(() -> events.contains("NodeCreated " + scope.root + "/b"), "an event on the new connection");
    }
}
