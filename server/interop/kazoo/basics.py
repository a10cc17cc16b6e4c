"""Kazoo's plain calls: nodes, versions, transactions, ACLs, many requests at once."""

from kazoo.exceptions import (
    BadVersionError,
    InvalidACLError,
    NoAuthError,
    NoChildrenForEphemeralsError,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
    RolledBackError,
    RuntimeInconsistency,
)
from kazoo.security import ACL, Id, OPEN_ACL_UNSAFE, make_acl, make_digest_acl

import harness
from clients import clients, close, connect, fresh
from harness import equal, raises, test


@test()
def create_get_set_delete():
    with clients() as (root, zk):
        path = root + "/a"
        equal(zk.create(path, b"one"), path, "created path")
        data, stat = zk.get(path)
        equal((data, stat.version, stat.dataLength, stat.ephemeralOwner), (b"one", 0, 3, 0), "after create")
        equal((stat.czxid, stat.ctime), (stat.mzxid, stat.mtime), "a node never set")
        stat = zk.set(path, b"three", version=0)
        equal((stat.version, stat.dataLength), (1, 5), "after set")
        assert stat.mzxid > stat.czxid
        raises(BadVersionError, zk.set, path, b"x", version=0)
        raises(BadVersionError, zk.delete, path, version=5)
        zk.delete(path, version=1)
        equal(zk.exists(path), None, "exists after delete")
        raises(NoNodeError, zk.get, path)


@test()
def errors():
    with clients() as (root, zk):
        raises(NodeExistsError, zk.create, root)
        raises(NoNodeError, zk.create, root + "/no/parent")
        zk.create(root + "/e", ephemeral=True)
        raises(NoChildrenForEphemeralsError, zk.create, root + "/e/child")
        zk.create(root + "/d/child", makepath=True)
        raises(NotEmptyError, zk.delete, root + "/d")
        raises(InvalidACLError, zk.create, root + "/acl", acl=[ACL(31, Id("world", "somebody"))])
        raises(NoNodeError, zk.get_children, root + "/none")
        raises(NoNodeError, zk.get_acls, root + "/none")
        raises(BadVersionError, zk.set_acls, root, OPEN_ACL_UNSAFE, version=9)


@test()
def data_kinds():
    with clients() as (root, zk):
        for name, data in (("null", None), ("empty", b""), ("zeros", bytes(100)), ("large", b"x" * 900_000), ("utf8", "…ß漢".encode())):
            path = "%s/%s" % (root, name)
            zk.create(path, data)
            got, stat = zk.get(path)
            equal(got, data, name)
            equal(stat.dataLength, len(data or b""), "length of " + name)
        equal(zk.create(root + "/näme-漢", b"v"), root + "/näme-漢", "a name that is not ASCII")
        assert "näme-漢" in zk.get_children(root)


@test()
def children_and_stat():
    with clients() as (root, zk):
        names = ["n%03d" % number for number in range(300)]
        for result in [zk.create_async("%s/%s" % (root, name)) for name in names]:
            result.get(30)
        children, stat = zk.get_children(root, include_data=True)
        equal(sorted(children), names, "children")
        equal((stat.numChildren, stat.cversion), (300, 300), "counts")
        zk.delete(root + "/n000")
        stat = zk.exists(root)
        equal((stat.numChildren, stat.cversion, stat.version), (299, 301, 0), "after one delete")
        assert stat.pzxid > stat.mzxid


@test()
def sequence_names():
    with clients() as (root, zk):
        equal(zk.create(root + "/s-", sequence=True), root + "/s-0000000000", "first")
        zk.create(root + "/plain")
        equal(zk.create(root + "/t-", sequence=True, ephemeral=True), root + "/t-0000000002", "third child")
        zk.delete(root + "/plain")
        equal(zk.create(root + "/s-", sequence=True), root + "/s-0000000003", "deletes don't count back")
        equal(zk.create(root + "/", sequence=True), root + "/0000000004", "a name that is only a number")
        results = [zk.create_async(root + "/p-", sequence=True) for _ in range(200)]
        made = [result.get(30) for result in results]
        equal(made, ["%s/p-%010d" % (root, 5 + index) for index in range(200)], "pipelined creates keep their order")


@test()
def pipelined_order():
    with clients() as (root, zk):
        pending = []
        for number in range(500):
            zk.set_async(root, b"%d" % number)
            pending.append((number, zk.get_async(root)))
        for number, result in pending:
            data, stat = result.get(30)
            equal((data, stat.version), (b"%d" % number, number + 1), "a read behind the session's own write")


@test()
def transaction_commits():
    with clients() as (root, zk):
        transaction = zk.transaction()
        transaction.create(root + "/a", b"1")
        transaction.set_data(root + "/a", b"2", version=0)
        transaction.check(root + "/a", version=1)
        transaction.create(root + "/seq-", b"", sequence=True)
        transaction.create(root + "/gone")
        transaction.delete(root + "/gone")
        results = transaction.commit()
        equal(results[0], root + "/a", "create")
        equal(results[1].version, 1, "set_data")
        equal(results[2], True, "check")
        equal(results[3], root + "/seq-0000000001", "sequential create")
        equal(results[5], True, "delete")
        _, stat = zk.get(root + "/a")
        equal(stat.mzxid, stat.czxid, "all in one zxid")
        equal(sorted(zk.get_children(root)), ["a", "seq-0000000001"], "children")


@test()
def transaction_rolls_back():
    with clients() as (root, zk):
        transaction = zk.transaction()
        transaction.create(root + "/a")
        transaction.check(root, version=99)
        transaction.create(root + "/b")
        results = transaction.commit()
        equal([type(result) for result in results], [RolledBackError, BadVersionError, RuntimeInconsistency], "results")
        equal(zk.get_children(root), [], "nothing was done")
        stat = zk.exists(root)
        equal((stat.cversion, stat.numChildren), (0, 0), "the parent's counters")
        # The failed create did not use up a sequence number either.
        equal(zk.create(root + "/n-", sequence=True), root + "/n-0000000000", "first sequence number")


@test()
def large_transaction():
    with clients() as (root, zk):
        transaction = zk.transaction()
        for number in range(1000):
            transaction.create("%s/n%04d" % (root, number), b"x" * 100)
        equal(len(transaction.commit()), 1000, "results")
        equal(zk.exists(root).numChildren, 1000, "children")
        transaction = zk.transaction()
        for number in range(1000):
            transaction.delete("%s/n%04d" % (root, number))
        equal(transaction.commit(), [True] * 1000, "results of the deletion")


@test()
def acl_digest():
    with clients(3) as (root, owner, stranger, helper):
        owner.add_auth("digest", "amy:pw")
        acl = [make_digest_acl("amy", "pw", all=True), make_acl("world", "anyone", read=True)]
        owner.create(root + "/a", b"v", acl=acl)
        equal(fresh(stranger).get(root + "/a")[0], b"v", "the world may read")
        raises(NoAuthError, stranger.set, root + "/a", b"w")
        raises(NoAuthError, stranger.create, root + "/a/kid")
        raises(NoAuthError, stranger.set_acls, root + "/a", OPEN_ACL_UNSAFE)
        stranger.add_auth("digest", "amy:wrong")
        raises(NoAuthError, stranger.set, root + "/a", b"w")
        helper.add_auth("digest", "amy:pw")
        equal(helper.set(root + "/a", b"w").version, 1, "set by the same user")
        got, stat = helper.get_acls(root + "/a")
        equal((got, stat.aversion), (acl, 0), "get_acls")
        equal(helper.set_acls(root + "/a", OPEN_ACL_UNSAFE, version=0).aversion, 1, "set_acls")
        equal(stranger.set(root + "/a", b"x").version, 2, "after the node was opened")


@test()
def acl_parent_decides_about_deletion():
    with clients(2) as (root, owner, stranger):
        owner.add_auth("digest", "amy:pw")
        owner.create(root + "/p", acl=[make_digest_acl("amy", "pw", all=True)])
        owner.create(root + "/p/kid")
        raises(NoAuthError, stranger.delete, root + "/p/kid")
        raises(NoAuthError, fresh(stranger).get_children, root + "/p")
        raises(NoAuthError, stranger.delete, root + "/p/none")
        equal(stranger.set(root + "/p/kid", b"v").version, 1, "the child itself is open")
        owner.delete(root + "/p/kid")


@test()
def auth_of_the_first_connection():
    with clients(auth_data=[("digest", "kim:pw")]) as (root, zk):
        zk.create(root + "/a", acl=[make_acl("auth", "", all=True)])
        acl, _ = zk.get_acls(root + "/a")
        equal(acl, [make_digest_acl("kim", "pw", all=True)], "the scheme auth stands for the session's users")


@test()
def chroot():
    with clients(2) as (root, zk, other):
        zk.create(root + "/sub")
        other.chroot = root + "/sub"
        equal(other.create("/x", b"v"), "/x", "created path")
        equal(fresh(zk).get(root + "/sub/x")[0], b"v", "seen from outside")
        equal(other.create("/s-", sequence=True), "/s-0000000001", "sequential create")
        equal(sorted(other.get_children("/")), ["s-0000000001", "x"], "children of the chroot")


@test()
def sync_and_ensure_path():
    with clients(2) as (root, writer, reader):
        writer.ensure_path(root + "/a/b/c")
        equal(reader.sync(root), root, "sync")
        assert reader.exists(root + "/a/b/c")


@test(needs=["ensemble"])
def every_member_serves():
    members = [connect(member) for member in harness.SERVER.split(",")]
    with clients() as (root, zk):
        for number, member in enumerate(members):
            equal(member.create("%s/n%d" % (root, number), b"%d" % number), "%s/n%d" % (root, number), "created path")
        for member in members:
            equal(sorted(fresh(member).get_children(root)), ["n%d" % number for number in range(len(members))], "children at each")
            equal(sorted(line.partition(";")[2] for line in member.get("/zookeeper/config")[0].decode().split("\n") if line.startswith("server.")),
                  sorted(harness.SERVER.split(",")), "the members that each names")
    for member in members:
        close(member)


@test(needs=["ensemble", "4lw"])
def one_leads_and_the_others_follow():
    modes = []
    for address in harness.SERVER.split(","):
        member = connect(address)
        modes += [line.split()[1] for line in member.command(b"srvr").split("\n") if line.startswith("Mode:")]
        close(member)
    equal(sorted(modes), ["follower"] * (len(modes) - 1) + ["leader"], "modes")


@test(needs=["4lw"])
def server_version():
    with clients() as (root, writer):
        version = writer.server_version()
        assert len(version) >= 2 and version >= (3, 4), version
        assert b"imok" in writer.command(b"ruok").encode(), "ruok"


@test()
def create_with_stat():
    with clients() as (root, zk):
        path, stat = zk.create(root + "/s-", b"abc", sequence=True, include_data=True)
        equal((path, stat.dataLength, stat.version), (root + "/s-0000000000", 3, 0), "create2")
        equal(zk.get(path)[1], stat, "the same stat as get's")
