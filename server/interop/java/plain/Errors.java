package plain;

import static interop.Check.equal;
import static interop.Check.raises;
import static interop.Check.that;

import interop.Check;
import interop.Scope;
import interop.Suite;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Watcher.WatcherType;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooDefs.Perms;
import org.apache.zookeeper.admin.ZooKeeperAdmin;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.data.Stat;

/** Error codes as the client sees them, and which of two errors wins. */
final class Errors {
    private Errors() {}

    static void register(Suite suite) {
        suite.test("errors_of_every_call", Errors::errorsOfEveryCall);
        suite.test("errors_which_wins", Errors::whichWins);
        suite.test("errors_of_acls", Errors::errorsOfAcls);
        suite.test("errors_of_quota", Errors::errorsOfQuota, "quota");
        suite.test("errors_of_reconfig", Errors::errorsOfReconfig);
        suite.test("errors_leave_the_connection_alone", Errors::leaveTheConnectionAlone);
    }

    private static void fails(Code want, Callable<?> call) {
        KeeperException error = raises(KeeperException.class, call);
        equal(error.code(), want, "error code");
    }

    private static Callable<?> delete(Client c, String path, int version) {
        return () -> {
            c.zk.delete(path, version);
            return null;
        };
    }

    private static void errorsOfEveryCall(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        String root = scope.root;
        String none = root + "/none";
        c.create(root + "/p", "v");
        c.create(root + "/p/kid", "v");
        c.create(root + "/e", "v", CreateMode.EPHEMERAL);
        fails(Code.NODEEXISTS, () -> c.create(root + "/p", "v"));
        fails(Code.NONODE, () -> c.create(none + "/kid", "v"));
        fails(Code.NOCHILDRENFOREPHEMERALS, () -> c.create(root + "/e/kid", "v"));
        fails(Code.NONODE, () -> c.get(none));
        fails(Code.NONODE, () -> c.zk.getChildren(none, false));
        fails(Code.NONODE, () -> c.zk.getChildren(none, false, new Stat()));
        fails(Code.NONODE, () -> c.zk.getAllChildrenNumber(none));
        fails(Code.NONODE, () -> c.zk.getACL(none, new Stat()));
        fails(Code.NONODE, () -> c.zk.setACL(none, Ids.OPEN_ACL_UNSAFE, -1));
        fails(Code.NONODE, () -> c.set(none, "v"));
        fails(Code.NONODE, delete(c, none, -1));
        fails(Code.NOTEMPTY, delete(c, root + "/p", -1));
        fails(Code.BADVERSION, delete(c, root + "/p/kid", 1));
        fails(Code.BADVERSION, () -> c.zk.setData(root + "/p", null, 1));
        fails(Code.BADVERSION, () -> c.zk.setData(root + "/p", null, -2));
        fails(Code.BADVERSION, () -> c.zk.setACL(root + "/p", Ids.OPEN_ACL_UNSAFE, 1));
        fails(Code.NOWATCHER, () -> {
            c.zk.removeWatches(root, c, WatcherType.Any, false);
            return null;
        });
    }

    private static void whichWins(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        String root = scope.root;
        List<ACL> empty = new ArrayList<>();
        List<ACL> nonsense = Client.acl(new ACL(Perms.ALL, new Id("world", "nobody")));
        fails(Code.INVALIDACL, () -> c.zk.create(root + "/none/kid", null, nonsense, CreateMode.PERSISTENT));
        fails(Code.INVALIDACL, () -> c.zk.create(root, null, nonsense, CreateMode.PERSISTENT));
        fails(Code.INVALIDACL, () -> c.zk.setACL(root + "/none", nonsense, -1));
        fails(Code.INVALIDACL, () -> c.zk.setACL(root, nonsense, 99));
        fails(Code.INVALIDACL, () -> c.zk.create(root + "/a", null, empty, CreateMode.PERSISTENT));
        c.create(root + "/p", "");
        c.create(root + "/p/kid", "");
        fails(Code.BADVERSION, delete(c, root + "/p", 99));
        c.zk.create(root + "/closed", null, Client.acl(new ACL(Perms.READ, Ids.ANYONE_ID_UNSAFE)), CreateMode.PERSISTENT);
        fails(Code.NOAUTH, delete(c, root + "/closed/none", 99));
        fails(Code.NOAUTH, () -> c.create(root + "/closed/kid", ""));
        fails(Code.NOAUTH, () -> c.zk.setData(root + "/closed", null, 99));
        fails(Code.NOAUTH, () -> c.zk.setACL(root + "/closed", Ids.OPEN_ACL_UNSAFE, 99));
    }

    private static void errorsOfAcls(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        List<Id> bad = List.of(new Id("world", "anybody"), new Id("digest", "nocolon"), new Id("digest", "a:b:c"), new Id("ip", "300.1.1.1"),
            new Id("ip", "10.0.0.0/33"), new Id("nosuchscheme", "x"), new Id("auth", ""));
        for (Id id : bad) {
            fails(Code.INVALIDACL, () -> c.zk.create(scope.root + "/a", null, Client.acl(new ACL(Perms.ALL, id)), CreateMode.PERSISTENT));
        }
        List<Id> good = List.of(new Id("digest", "a:b"), new Id("digest", ":b"), new Id("ip", "10.0.0.1"), new Id("ip", "10.0.0.0/8"), new Id("ip", "0.0.0.0/0"));
        for (int i = 0; i < good.size(); i++) {
            c.zk.create(scope.root + "/good" + i, null, Client.acl(new ACL(Perms.ALL, good.get(i))), CreateMode.PERSISTENT);
        }
    }

    private static void errorsOfQuota(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        String quota = "/zookeeper/quota" + scope.root;
        c.create(quota, "");
        c.create(quota + "/zookeeper_limits", "count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=3");
        c.create(quota + "/zookeeper_stats", "count=0,bytes=0");
        equal(c.get(quota + "/zookeeper_stats"), "count=1,bytes=0", "usage");
        c.create(scope.root + "/a", "12345");
        c.create(scope.root + "/b", "12345");
        equal(c.get(quota + "/zookeeper_stats"), "count=3,bytes=10", "usage");
        fails(Code.QUOTAEXCEEDED, () -> c.create(scope.root + "/c", ""));
        fails(Code.QUOTAEXCEEDED, () -> c.set(scope.root + "/a", "123456"));
        c.set(scope.root + "/a", "54321");
        c.delete(scope.root + "/b");
        equal(c.get(quota + "/zookeeper_stats"), "count=2,bytes=5", "usage");
        c.set(scope.root + "/a", "1234567890");
        for (String name : List.of("/zookeeper_limits", "/zookeeper_stats", "")) {
            c.delete(quota + name);
        }
    }

    private static void errorsOfReconfig(Scope scope) throws Exception {
        ZooKeeperAdmin admin = scope.own(new ZooKeeperAdmin(Scope.server(), Client.SESSION_MS, event -> {}));
        Check.eventually(() -> admin.getState().isConnected(), "connected");
        // A server where reconfiguration is off (the default) says so; one that is on, but alone, can't do it.
        for (String joining : new String[] {"server.9=127.0.0.1:2888:3888;2181", null, "nonsense"}) {
            KeeperException refusal = raises(KeeperException.class, () -> admin.reconfigure(joining, joining == null ? "1" : null, null, joining == null ? 77 : -1, new Stat()));
            that(List.of(Code.RECONFIGDISABLED, Code.UNIMPLEMENTED).contains(refusal.code()), "refused with " + refusal.code());
        }
        equal(admin.exists("/", false).getVersion(), 0, "the connection still answers");
    }

    private static void leaveTheConnectionAlone(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        List<java.util.concurrent.CompletableFuture<Integer>> results = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            var result = new java.util.concurrent.CompletableFuture<Integer>();
            results.add(result);
            switch (i % 3) {
                case 0 -> c.zk.setData(scope.root, null, 99999, (rc, path, context, stat) -> result.complete(rc), null);
                case 1 -> c.zk.getData(scope.root + "/none", false, (rc, path, context, data, stat) -> result.complete(rc), null);
                default -> c.zk.setData(scope.root, null, -1, (rc, path, context, stat) -> result.complete(rc), null);
            }
        }
        List<Integer> want = List.of(Code.BADVERSION.intValue(), Code.NONODE.intValue(), 0);
        for (int i = 0; i < results.size(); i++) {
            equal(Check.await(results.get(i)), want.get(i % 3), "result " + i);
        }
        equal(c.zk.exists(scope.root, false).getVersion(), 100, "version");
    }
}
