"""Interactive: ACLs and authentication."""

import base64
import hashlib

from harness import equal, test, unique
from shell import Shell, oneshot, stat_of

_DENIED = "Insufficient permission : "


def digest(user, password):
    """The id that the digest scheme stores for a user."""
    text = "%s:%s" % (user, password)
    return "%s:%s" % (user, base64.b64encode(hashlib.sha1(text.encode()).digest()).decode())


@test()
def acl_default_and_change():
    root = unique("cli")
    with Shell() as cli:
        cli.do("create " + root)
        equal(cli.do("getAcl " + root), ["'world,'anyone", ": cdrwa"], "default ACL")
        equal(cli.do("setAcl %s world:anyone:cra" % root), [], "setAcl")
        lines = cli.do("getAcl -s " + root)
        equal(lines[:2], ["'world,'anyone", ": cra"], "getAcl")
        equal(stat_of(lines)["aclVersion"], "1", "aclVersion")
        equal(cli.do("set %s x" % root), [_DENIED + root], "set without WRITE")
        equal(cli.do("setAcl -v 0 %s world:anyone:cdrwa" % root), ["version No is not valid : " + root], "setAcl -v with an old version")
        stat = stat_of(cli.do("setAcl -s -v 1 %s world:anyone:cdrwa" % root))
        equal(stat["aclVersion"], "2", "setAcl -s")
        equal(cli.do("setAcl %s world:somebody:r" % root), ["Acl is not valid : " + root], "an id that world does not have")
        equal(cli.do("delete " + root), [], "delete")


@test()
def acl_recursive():
    root = unique("cli")
    with Shell() as cli:
        for path in ("", "/a", "/a/b"):
            cli.do("create " + root + path)
        equal(cli.do("setAcl -R %s world:anyone:cdra" % root), [], "setAcl -R")
        for path in ("", "/a", "/a/b"):
            equal(cli.do("getAcl " + root + path)[-1], ": cdra", "ACL of " + path)
        cli.do("deleteall " + root)


@test()
def acl_digest_between_shells():
    root = unique("cli")
    with Shell() as amy, Shell() as bob:
        equal(amy.do("addauth digest amy:pw"), [], "addauth")
        equal(amy.do("create %s secret auth::cdrwa" % root), ["Created " + root], "create with auth")
        equal(amy.do("getAcl " + root), ["'digest,'" + digest("amy", "pw"), ": cdrwa"], "stored ACL")
        equal(bob.fresh().do("get " + root), [_DENIED + root], "get of a stranger")
        equal(bob.do("set %s x" % root), [_DENIED + root], "set of a stranger")
        equal(bob.do("getAcl " + root), [_DENIED + root], "getAcl of a stranger")
        equal(bob.do("create %s/kid" % root), [_DENIED + root + "/kid"], "create of a stranger")
        equal(bob.do("addauth digest amy:wrong"), [], "addauth with a wrong password")
        equal(bob.do("get " + root), [_DENIED + root], "get with a wrong password")
        equal(bob.do("addauth digest amy:pw"), [], "addauth")
        equal(bob.do("get " + root), ["secret"], "get after addauth")
        equal(bob.do("setAcl %s digest:%s:cdra,world:anyone:r" % (root, digest("amy", "pw"))), [], "setAcl with two entries")
        equal(oneshot("get", root), (0, ["secret"]), "get of the world")
        # Who may only read sees the user but not the hash.
        code, lines = oneshot("getAcl", root)
        equal((code, sorted(lines)), (0, sorted(["'digest,'amy:x", ": cdra", "'world,'anyone", ": r"])), "masked ACL")
        equal(amy.do("delete " + root), [], "delete")


@test()
def acl_ip():
    root = unique("cli")
    with Shell() as cli:
        equal(cli.do("create %s v ip:127.0.0.1:cdrwa" % root), ["Created " + root], "create for this address")
        equal(cli.do("get " + root), ["v"], "get from this address")
        equal(cli.do("setAcl %s ip:10.0.0.0/8:cdrw,ip:127.0.0.0/8:a" % root), [], "setAcl")
        equal(cli.do("get " + root), [_DENIED + root], "get from another network")
        equal(cli.do("setAcl %s ip:127.0.0.0/8:cdrwa" % root), [], "setAcl by ADMIN alone")
        equal(cli.do("get " + root), ["v"], "get from this network")
        equal(cli.do("delete " + root), [], "delete")


@test()
def whoami_grows():
    with Shell() as cli:
        equal(cli.do("whoami"), ["Auth scheme: User", "ip: 127.0.0.1"], "at first")
        cli.do("addauth digest zoe:pw")
        lines = cli.do("whoami")
        equal((lines[0], sorted(lines[1:])), ("Auth scheme: User", ["digest: zoe", "ip: 127.0.0.1"]), "after addauth")


@test(needs=["super"])
def super_user_passes_every_acl():
    root = unique("cli")
    with Shell() as owner, Shell() as root_user:
        owner.do("addauth digest joe:pw")
        owner.do("create %s hidden auth::cdrwa" % root)
        equal(root_user.fresh().do("get " + root), [_DENIED + root], "before addauth")
        root_user.do("addauth digest super:secret")
        equal(root_user.do("get " + root), ["hidden"], "get of the super user")
        equal(root_user.do("setAcl %s world:anyone:r" % root), [], "setAcl of the super user")
        equal(root_user.do("delete " + root), [], "delete by the super user")
