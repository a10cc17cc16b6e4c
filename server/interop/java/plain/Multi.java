package plain;

import static interop.Check.equal;
import static interop.Check.raises;
import static interop.Check.that;

import interop.Check;
import interop.Scope;
import interop.Suite;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.data.Stat;

/** Transactions: all or nothing, the result of each part, and reads in one request. */
final class Multi {
    private Multi() {}

    static void register(Suite suite) {
        suite.test("multi_every_kind", Multi::everyKind);
        suite.test("multi_ttl_and_container", Multi::ttlAndContainer, "ttl");
        suite.test("multi_sees_itself", Multi::seesItself);
        suite.test("multi_fails_as_a_whole", Multi::failsAsAWhole);
        suite.test("multi_async_results", Multi::asyncResults);
        suite.test("multi_empty", Multi::empty);
        suite.test("multi_events_in_order", Multi::eventsInOrder);
        suite.test("multi_of_ephemerals", Multi::ofEphemerals);
        suite.test("multi_large", Multi::large);
        suite.test("multi_read", Multi::read);
        suite.test("multi_transaction_builder", Multi::builder);
    }

    private static Op create(String path, CreateMode mode) {
        return Op.create(path, "v".getBytes(), Ids.OPEN_ACL_UNSAFE, mode);
    }

    private static void everyKind(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        String root = scope.root;
        c.create(root + "/old", "");
        List<OpResult> results = c.zk.multi(List.of(
            create(root + "/a", CreateMode.PERSISTENT),
            create(root + "/s-", CreateMode.PERSISTENT_SEQUENTIAL),
            create(root + "/e", CreateMode.EPHEMERAL),
            Op.setData(root + "/a", "w".getBytes(), 0),
            Op.check(root + "/a", 1),
            Op.delete(root + "/old", 0)));
        equal(((OpResult.CreateResult) results.get(0)).getPath(), root + "/a", "create");
        equal(((OpResult.CreateResult) results.get(1)).getPath(), root + "/s-0000000002", "sequential create");
        equal(((OpResult.CreateResult) results.get(2)).getPath(), root + "/e", "ephemeral create");
        equal(((OpResult.SetDataResult) results.get(3)).getStat().getVersion(), 1, "setData");
        that(results.get(4) instanceof OpResult.CheckResult, "check");
        that(results.get(5) instanceof OpResult.DeleteResult, "delete");
        Stat a = c.zk.exists(root + "/a", false);
        Stat e = c.zk.exists(root + "/e", false);
        equal(List.of(a.getCzxid(), a.getMzxid(), a.getCtime(), a.getMtime()), List.of(e.getCzxid(), e.getCzxid(), e.getCtime(), e.getCtime()), "one zxid and one time for all");
        equal(e.getEphemeralOwner(), c.zk.getSessionId(), "owner");
        equal(c.zk.exists(root, false).getPzxid(), a.getCzxid(), "pzxid of the parent");
    }

    private static void ttlAndContainer(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        List<OpResult> results = c.zk.multi(List.of(
            create(scope.root + "/c", CreateMode.CONTAINER),
            Op.create(scope.root + "/t", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_WITH_TTL, 600_000)));
        for (OpResult result : results) {
            OpResult.CreateResult created = (OpResult.CreateResult) result;
            equal(created.getStat(), c.zk.exists(created.getPath(), false), "stat of " + created.getPath());
        }
    }

    private static void seesItself(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        String node = scope.root + "/n";
        c.zk.multi(List.of(create(node, CreateMode.PERSISTENT), create(node + "/kid", CreateMode.PERSISTENT), Op.delete(node + "/kid", -1), Op.delete(node, -1),
            create(node, CreateMode.PERSISTENT), Op.setData(node, null, 0), Op.setData(node, null, 1), Op.check(node, 2)));
        equal(c.zk.exists(node, false).getVersion(), 2, "version");
        equal(c.zk.exists(scope.root, false).getCversion(), 3, "changes of the parent's children");
    }

    private static void failsAsAWhole(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        String root = scope.root;
        Stat before = c.zk.exists(root, false);
        c.watch(root, AddWatchMode.PERSISTENT_RECURSIVE);
        record Case(Op failing, Code code) {}
        List<Case> cases = List.of(
            new Case(create(root, CreateMode.PERSISTENT), Code.NODEEXISTS), new Case(create(root + "/x/y", CreateMode.PERSISTENT), Code.NONODE),
            new Case(Op.delete(root + "/x", -1), Code.NONODE), new Case(Op.delete(root, -1), Code.NOTEMPTY),
            new Case(Op.setData(root, null, 5), Code.BADVERSION), new Case(Op.check(root, 5), Code.BADVERSION), new Case(Op.check(root + "/x", -1), Code.NONODE));
        for (Case one : cases) {
            KeeperException error = raises(KeeperException.class,
                () -> c.zk.multi(List.of(create(root + "/a", CreateMode.PERSISTENT), Op.setData(root, null, -1), one.failing, create(root + "/b", CreateMode.PERSISTENT))));
            equal(error.code(), one.code, "error");
            List<Integer> codes = new ArrayList<>();
            for (OpResult result : error.getResults()) {
                codes.add(((OpResult.ErrorResult) result).getErr());
            }
            equal(codes, List.of(0, 0, one.code.intValue(), Code.RUNTIMEINCONSISTENCY.intValue()), "results");
        }
        equal(c.zk.exists(root, false), before, "stat of the parent after all that");
        c.expectNothingMore();
        equal(c.create(root + "/n-", "", CreateMode.PERSISTENT_SEQUENTIAL), root + "/n-0000000000", "no sequence number was used up");
    }

    private static void asyncResults(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        CompletableFuture<String> failed = new CompletableFuture<>();
        c.zk.multi(List.of(create(scope.root + "/a", CreateMode.PERSISTENT), Op.check(scope.root, 9)),
            (rc, path, context, results) -> failed.complete(rc + " " + results), null);
        String text = Check.await(failed);
        that(text.startsWith(Code.BADVERSION.intValue() + " "), text);
        CompletableFuture<Integer> worked = new CompletableFuture<>();
        c.zk.multi(List.of(create(scope.root + "/a", CreateMode.PERSISTENT)), (rc, path, context, results) -> worked.complete(rc * 10 + results.size()), null);
        equal(Check.await(worked), 1, "code and number of results");
    }

    private static void empty(Scope scope) throws Exception {
        Client c = Client.connect(scope);
        equal(c.zk.multi(List.of()), List.of(), "results");
        equal(c.zk.exists("/", false).getVersion(), 0, "the connection still answers");
    }

    private static void eventsInOrder(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        Client watcher = Client.connect(scope);
        String root = scope.root;
        watcher.watch(root, AddWatchMode.PERSISTENT_RECURSIVE);
        c.zk.multi(List.of(create(root + "/a", CreateMode.PERSISTENT), create(root + "/a/b", CreateMode.PERSISTENT), Op.setData(root + "/a", null, -1),
            Op.delete(root + "/a/b", -1), Op.setData(root, null, -1)));
        watcher.expect("NodeCreated " + root + "/a", "NodeCreated " + root + "/a/b", "NodeDataChanged " + root + "/a", "NodeDeleted " + root + "/a/b", "NodeDataChanged " + root);
        watcher.expectNothingMore();
    }

    private static void ofEphemerals(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        Client owner = Client.connect(scope);
        owner.zk.multi(List.of(create(scope.root + "/e1", CreateMode.EPHEMERAL), create(scope.root + "/e-", CreateMode.EPHEMERAL_SEQUENTIAL)));
        equal(owner.zk.getEphemerals().size(), 2, "ephemerals");
        raises(KeeperException.class, () -> owner.zk.multi(List.of(create(scope.root + "/e3", CreateMode.EPHEMERAL), Op.check(scope.root, 9))));
        equal(owner.zk.getEphemerals().size(), 2, "ephemerals after a failed transaction");
        owner.close();
        equal(c.fresh().zk.getChildren(scope.root, false), List.of(), "children");
    }

    private static void large(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        List<Op> ops = new ArrayList<>();
        for (int i = 0; i < 2000; i++) {
            ops.add(Op.create(scope.root + "/n" + i, new byte[200], Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT));
        }
        equal(c.zk.multi(ops).size(), 2000, "results");
        equal(c.zk.exists(scope.root, false).getNumChildren(), 2000, "children");
    }

    private static void read(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        String root = scope.root;
        c.create(root + "/a", "data");
        List<OpResult> results = c.zk.multi(List.of(Op.getData(root + "/a"), Op.getChildren(root), Op.getData(root + "/none"), Op.getChildren(root + "/none"), Op.getData(root + "/a")));
        OpResult.GetDataResult data = (OpResult.GetDataResult) results.get(0);
        equal(new String(data.getData()), "data", "getData");
        equal(data.getStat(), c.zk.exists(root + "/a", false), "stat of getData");
        equal(((OpResult.GetChildrenResult) results.get(1)).getChildren(), List.of("a"), "getChildren");
        equal(((OpResult.ErrorResult) results.get(2)).getErr(), Code.NONODE.intValue(), "getData of a missing node");
        equal(((OpResult.ErrorResult) results.get(3)).getErr(), Code.NONODE.intValue(), "getChildren of a missing node");
        equal(new String(((OpResult.GetDataResult) results.get(4)).getData()), "data", "a read after a failed one");
    }

    private static void builder(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        List<OpResult> results = c.zk.transaction().create(scope.root + "/a", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT).check(scope.root, 0).setData(scope.root, null, 0)
            .delete(scope.root + "/a", 0).commit();
        equal(results.size(), 4, "results");
        equal(c.zk.exists(scope.root, false).getVersion(), 1, "version");
    }
}
