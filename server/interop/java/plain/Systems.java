package plain;

import static interop.Check.equal;
import static interop.Check.eventually;
import static interop.Check.raises;
import static interop.Check.that;

import interop.Proxy;
import interop.Scope;
import interop.Suite;
import java.util.ArrayList;
import java.util.List;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooDefs.Perms;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.data.Stat;

/** What HDFS and YARN do with ZooKeeper to have one active master, and to fence the one before. */
final class Systems {
    private Systems() {}

    static void register(Suite suite) {
        suite.test("hdfs_active_standby_elector", Systems::hdfsElector);
        suite.test("hdfs_elector_survives_a_broken_connection", Systems::hdfsElectorReconnects);
        suite.test("yarn_state_store_fences", Systems::yarnFencing);
        suite.test("hbase_region_state_by_version", Systems::hbaseRegionState);
    }

    private static final String LOCK = "/ActiveStandbyElectorLock";
    private static final String BREADCRUMB = "/ActiveBreadCrumb";

    /** Tries to become active, as the elector does: an ephemeral lock; who loses watches it. Returns whether it won. */
    private static boolean joinElection(Client c, String root, String name) throws Exception {
        try {
            c.create(root + LOCK, name, CreateMode.EPHEMERAL);
            return true;
        } catch (KeeperException.NodeExistsException taken) {
            Stat stat = c.fresh().zk.exists(root + LOCK, c);
            return stat != null && stat.getEphemeralOwner() == c.zk.getSessionId();
        }
    }

    /** Fences the active master before, whose breadcrumb tells its name, and leaves its own; returns that name or null. */
    private static String becomeActive(Client c, String root, String name) throws Exception {
        try {
            Stat stat = new Stat();
            String before = new String(c.fresh().zk.getData(root + BREADCRUMB, false, stat));
            c.zk.setData(root + BREADCRUMB, name.getBytes(), stat.getVersion());
            return before.equals(name) ? null : before;
        } catch (KeeperException.NoNodeException first) {
            c.create(root + BREADCRUMB, name);
            return null;
        }
    }

    private static void hdfsElector(Scope scope) throws Exception {
        String root = scope.root;
        Client.connect(scope).withRoot(scope);
        Client one = Client.connect(scope);
        Client two = Client.connect(scope);
        that(joinElection(one, root, "nn1"), "the first is active");
        equal(becomeActive(one, root, "nn1"), null, "nobody to fence");
        that(!joinElection(two, root, "nn2"), "the second is standby");
        // A graceful hand-over removes the breadcrumb before the lock, so nobody is fenced.
        Stat stat = one.zk.exists(root + BREADCRUMB, false);
        one.zk.delete(root + BREADCRUMB, stat.getVersion());
        one.delete(root + LOCK);
        two.expect("NodeDeleted " + root + LOCK);
        that(joinElection(two, root, "nn2"), "the second takes over");
        equal(becomeActive(two, root, "nn2"), null, "nobody to fence after a graceful stop");
        that(!joinElection(one, root, "nn1"), "the first is standby");
        // A crash leaves the breadcrumb, so the next one knows whom to fence.
        two.close();
        one.expect("NodeDeleted " + root + LOCK);
        that(joinElection(one, root, "nn1"), "the first takes over");
        equal(becomeActive(one, root, "nn1"), "nn2", "whom to fence");
    }

    private static void hdfsElectorReconnects(Scope scope) throws Exception {
        String root = scope.root;
        Client.connect(scope).withRoot(scope);
        Client active = Client.connect(scope);
        Proxy proxy = scope.proxy();
        Client standby = Client.connect(scope, proxy.address(), Client.SESSION_MS);
        that(joinElection(active, root, "nn1"), "active");
        that(!joinElection(standby, root, "nn2"), "standby");
        // The lock is released while the standby is cut off: its watch, set again on the new connection, must tell it.
        proxy.refuse();
        standby.awaitState(KeeperState.Disconnected);
        active.close();
        proxy.allow();
        standby.awaitState(KeeperState.SyncConnected);
        standby.expect("NodeDeleted " + root + LOCK);
        that(joinElection(standby, root, "nn2"), "the standby takes over");
        // The active one is cut off and comes back in time: it finds itself the owner.
        proxy.drop();
        standby.awaitState(KeeperState.Disconnected);
        standby.awaitState(KeeperState.SyncConnected);
        that(joinElection(standby, root, "nn2"), "still active after a short break");
    }

    /** YARN's resource manager wraps each write into creating and deleting a lock node that only it may create. */
    private static void yarnFencing(Scope scope) throws Exception {
        String root = scope.root;
        Client.connect(scope).withRoot(scope);
        Client old = Client.connect(scope);
        Client fresh = Client.connect(scope);
        String store = old.create(root + "/rmstore", "");
        old.create(store + "/apps", "");
        takeOver(old, store, "rm1");
        fencedWrite(old, store, Op.create(store + "/apps/app1", "NEW".getBytes(), Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT));
        fencedWrite(old, store, Op.setData(store + "/apps/app1", "RUNNING".getBytes(), -1));
        takeOver(fresh, store, "rm2");
        raises(KeeperException.NoAuthException.class, () -> {
            fencedWrite(old, store, Op.setData(store + "/apps/app1", "KILLED".getBytes(), -1));
            return null;
        });
        equal(fresh.fresh().get(store + "/apps/app1"), "RUNNING", "the old master wrote nothing");
        fencedWrite(fresh, store, Op.setData(store + "/apps/app1", "FINISHED".getBytes(), -1));
        List<Op> sweep = new ArrayList<>(List.of(Op.delete(store + "/apps/app1", -1)));
        fencedWrite(fresh, store, sweep.toArray(new Op[0]));
        equal(old.fresh().zk.getChildren(store + "/apps", false), List.of(), "applications");
    }

    /** Gives everybody reading, writing and administering the store, but creating and deleting in it to this one alone. */
    private static void takeOver(Client c, String store, String name) throws Exception {
        c.zk.addAuthInfo("digest", (name + ":" + name + "-secret").getBytes());
        Id self = new Id("digest", org.apache.zookeeper.server.auth.DigestAuthenticationProvider.generateDigest(name + ":" + name + "-secret"));
        int shared = Perms.READ | Perms.WRITE | Perms.ADMIN;
        c.zk.setACL(store, Client.acl(new ACL(shared, Ids.ANYONE_ID_UNSAFE), new ACL(Perms.CREATE | Perms.DELETE, self)), -1);
        fencedWrite(c, store);
    }

    private static void fencedWrite(Client c, String store, Op... writes) throws Exception {
        String lock = store + "/RM_ZK_FENCING_LOCK";
        List<Op> ops = new ArrayList<>();
        ops.add(Op.create(lock, new byte[0], Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT));
        ops.addAll(List.of(writes));
        ops.add(Op.delete(lock, -1));
        c.zk.multi(ops);
    }

    /** HBase's coordination by a node's version: exactly one of many workers takes a task over, and each step is seen. */
    private static void hbaseRegionState(Scope scope) throws Exception {
        Client master = Client.connect(scope).withRoot(scope);
        String task = master.create(scope.root + "/splitWAL-task", "UNASSIGNED");
        master.zk.getData(task, true, null);
        List<Client> workers = List.of(Client.connect(scope), Client.connect(scope), Client.connect(scope));
        int version = master.zk.exists(task, false).getVersion();
        int won = 0;
        for (Client worker : workers) {
            try {
                worker.zk.setData(task, "OWNED".getBytes(), version);
                won++;
            } catch (KeeperException.BadVersionException late) {
                equal(late.getPath(), task, "path of the refusal");
            }
        }
        equal(won, 1, "owners");
        master.expect("NodeDataChanged " + task);
        eventually(() -> master.get(task).equals("OWNED"), "the new state");
    }
}
