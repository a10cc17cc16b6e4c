package plain;

import static interop.Check.equal;
import static interop.Check.raises;
import static interop.Check.that;

import interop.Check;
import interop.Scope;
import interop.Suite;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooDefs.Perms;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.data.Stat;
import org.apache.zookeeper.server.auth.DigestAuthenticationProvider;

/** Who may do what: each permission on its own, each scheme, the super user. */
final class Acls {
    private Acls() {}

    static void register(Suite suite) {
        suite.test("acl_each_permission", Acls::eachPermission);
        suite.test("acl_digest", Acls::digest);
        suite.test("acl_auth_expands", Acls::authExpands);
        suite.test("acl_ip", Acls::ip);
        suite.test("acl_super", Acls::superUser, "super");
        suite.test("acl_read_masks_hashes", Acls::masksHashes);
        suite.test("acl_in_multi", Acls::inMulti);
        suite.test("acl_unknown_scheme_fails_auth", Acls::unknownScheme);
        suite.test("acl_stored_as_given", Acls::storedAsGiven);
    }

    private static List<ACL> world(int perms) {
        return Client.acl(new ACL(perms, Ids.ANYONE_ID_UNSAFE));
    }

    private static void denied(Callable<?> call) {
        raises(KeeperException.NoAuthException.class, call);
    }

    private static Callable<?> delete(Client c, String path) {
        return () -> {
            c.delete(path);
            return null;
        };
    }

    private static void eachPermission(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        int[] all = {Perms.READ, Perms.WRITE, Perms.CREATE, Perms.DELETE, Perms.ADMIN};
        for (int perm : all) {
            String node = scope.root + "/only" + perm;
            c.create(node, "v");
            c.create(node + "/kid", "");
            c.zk.setACL(node, world(perm), 0);
            allowedIf(perm == Perms.READ, () -> c.get(node));
            allowedIf(perm == Perms.READ, () -> c.zk.getChildren(node, false));
            allowedIf(perm == Perms.READ, () -> c.zk.getAllChildrenNumber(node));
            allowedIf(perm == Perms.WRITE, () -> c.set(node, "w"));
            allowedIf(perm == Perms.CREATE, () -> c.create(node + "/new", ""));
            allowedIf(perm == Perms.DELETE, delete(c, node + "/kid"));
            allowedIf(perm == Perms.READ || perm == Perms.ADMIN, () -> c.zk.getACL(node, new Stat()));
            // ZooKeeper 3.8 lets exists() pass without a permission, 3.9 wants READ; what can be read exists for both.
            that(perm != Perms.READ || c.exists(node), "exists");
            allowedIf(perm == Perms.ADMIN, () -> c.zk.setACL(node, world(Perms.ALL), -1));
        }
    }

    private static void allowedIf(boolean allowed, Callable<?> call) throws Exception {
        if (allowed) {
            call.call();
        } else {
            denied(call);
        }
    }

    private static void digest(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        Client amy = Client.connect(scope);
        Id id = new Id("digest", DigestAuthenticationProvider.generateDigest("amy:pw"));
        String node = c.zk.create(scope.root + "/a", "v".getBytes(), Client.acl(new ACL(Perms.ALL, id)), CreateMode.PERSISTENT);
        denied(() -> c.get(node));
        denied(() -> amy.fresh().get(node));
        amy.zk.addAuthInfo("digest", "amy:wrong".getBytes());
        denied(() -> amy.get(node));
        amy.zk.addAuthInfo("digest", "amy:pw".getBytes());
        equal(amy.get(node), "v", "data");
        amy.zk.addAuthInfo("digest", "bob:pw".getBytes());
        equal(amy.get(node), "v", "identities add up");
        List<String> who = new ArrayList<>();
        amy.zk.whoAmI().forEach(info -> who.add(info.getAuthScheme() + ":" + info.getUser()));
        Collections.sort(who);
        equal(who, List.of("digest:amy", "digest:amy", "digest:bob", "ip:127.0.0.1"), "whoAmI");
    }

    private static void authExpands(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        raises(KeeperException.InvalidACLException.class, () -> c.zk.create(scope.root + "/a", null, Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT));
        c.zk.addAuthInfo("digest", "amy:pw".getBytes());
        c.zk.addAuthInfo("digest", "bob:pw".getBytes());
        c.zk.create(scope.root + "/a", null, Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
        List<String> stored = new ArrayList<>();
        c.zk.getACL(scope.root + "/a", new Stat()).forEach(acl -> stored.add(acl.getPerms() + " " + acl.getId().getId()));
        Collections.sort(stored);
        equal(stored, List.of("31 " + DigestAuthenticationProvider.generateDigest("amy:pw"), "31 " + DigestAuthenticationProvider.generateDigest("bob:pw")), "stored ACL");
    }

    private static void ip(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        String[] mine = {"127.0.0.1", "127.0.0.0/8", "0.0.0.0/0", "127.0.0.1/32"};
        String[] others = {"127.0.0.2", "10.0.0.0/8", "127.0.0.2/32"};
        for (String address : mine) {
            String node = c.zk.create(scope.root + "/" + address.replace('/', '-'), null, Client.acl(new ACL(Perms.ALL, new Id("ip", address))), CreateMode.PERSISTENT);
            equal(c.set(node, "x").getVersion(), 1, "version");
        }
        for (String address : others) {
            String node = c.zk.create(scope.root + "/" + address.replace('/', '-'), null, Client.acl(new ACL(Perms.ALL, new Id("ip", address))), CreateMode.PERSISTENT);
            denied(() -> c.set(node, "x"));
        }
    }

    private static void superUser(Scope scope) throws Exception {
        Client owner = Client.connect(scope).withRoot(scope);
        Client boss = Client.connect(scope);
        owner.zk.addAuthInfo("digest", "amy:pw".getBytes());
        String node = owner.zk.create(scope.root + "/a", "v".getBytes(), Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
        denied(() -> boss.fresh().get(node));
        boss.zk.addAuthInfo("digest", "super:wrong".getBytes());
        denied(() -> boss.get(node));
        boss.zk.addAuthInfo("digest", "super:secret".getBytes());
        equal(boss.get(node), "v", "data");
        boss.create(node + "/kid", "");
        boss.zk.setACL(node, world(0), -1);
        denied(() -> owner.fresh().get(node));
        equal(boss.get(node), "v", "data of a node that nobody may touch");
        boss.delete(node + "/kid");
        if (Scope.lack().contains("ensemble")) { // where the node holds nothing that clients need
            boss.zk.setData("/zookeeper/config", new byte[0], -1);
        }
    }

    private static void masksHashes(Scope scope) throws Exception {
        Client owner = Client.connect(scope).withRoot(scope);
        Client c = Client.connect(scope);
        owner.zk.addAuthInfo("digest", "amy:pw".getBytes());
        Id amy = new Id("digest", DigestAuthenticationProvider.generateDigest("amy:pw"));
        List<ACL> acl = Client.acl(new ACL(Perms.ALL, amy), new ACL(Perms.READ, Ids.ANYONE_ID_UNSAFE));
        String node = owner.zk.create(scope.root + "/a", null, acl, CreateMode.PERSISTENT);
        equal(owner.zk.getACL(node, new Stat()), acl, "ACL for its owner");
        equal(c.fresh().zk.getACL(node, new Stat()), Client.acl(new ACL(Perms.ALL, new Id("digest", "amy:x")), acl.get(1)), "ACL for a reader");
    }

    private static void inMulti(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        String node = c.zk.create(scope.root + "/a", null, world(Perms.READ), CreateMode.PERSISTENT);
        denied(() -> c.zk.multi(List.of(Op.create(scope.root + "/b", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT), Op.setData(node, null, -1))));
        that(!c.exists(scope.root + "/b"), "nothing was done");
        c.zk.multi(List.of(Op.check(node, 0), Op.create(scope.root + "/b", null, world(Perms.READ | Perms.CREATE), CreateMode.PERSISTENT),
            Op.create(scope.root + "/b/kid", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT)));
        denied(() -> c.zk.multi(List.of(Op.delete(scope.root + "/b/kid", -1))));
        Check.raises(KeeperException.InvalidACLException.class,
            () -> c.zk.multi(List.of(Op.create(scope.root + "/c", null, Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT))));
    }

    private static void unknownScheme(Scope scope) throws Exception {
        Client c = Client.connect(scope);
        c.zk.addAuthInfo("nosuchscheme", "x".getBytes());
        c.awaitState(KeeperState.AuthFailed);
        raises(KeeperException.AuthFailedException.class, () -> c.exists("/"));
    }

    private static void storedAsGiven(Scope scope) throws Exception {
        Client c = Client.connect(scope).withRoot(scope);
        ACL read = new ACL(Perms.READ, Ids.ANYONE_ID_UNSAFE);
        ACL any = new ACL(Perms.ALL, new Id("ip", "127.0.0.1"));
        String node = c.zk.create(scope.root + "/a", null, Client.acl(any, read, any, read), CreateMode.PERSISTENT);
        equal(c.zk.getACL(node, new Stat()), List.of(any, read), "equal entries are kept once, in their order");
        String odd = c.zk.create(scope.root + "/b", null, Client.acl(new ACL(64 | Perms.ALL, Ids.ANYONE_ID_UNSAFE)), CreateMode.PERSISTENT);
        equal(c.zk.getACL(odd, new Stat()).get(0).getPerms(), 64 | Perms.ALL, "unknown permission bits are kept");
    }
}
