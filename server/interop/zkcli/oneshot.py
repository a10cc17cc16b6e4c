"""One command a process: the answer, and the exit code that scripts rely on."""

from harness import SERVER, equal, test, unique
from shell import RECONFIG_REFUSALS, listing, oneshot, stat_of


@test()
def oneshot_life_of_a_node():
    root = unique("cli")
    equal(oneshot("create", root, "hello"), (0, ["Created " + root]), "create")
    equal(oneshot("get", root), (0, ["hello"]), "get")
    code, lines = oneshot("set", "-s", root, "world")
    equal((code, stat_of(lines)["dataVersion"]), (0, "1"), "set -s")
    code, lines = oneshot("stat", root)
    equal((code, stat_of(lines)["dataLength"]), (0, "5"), "stat")
    equal(oneshot("delete", root), (0, []), "delete")
    equal(oneshot("get", root), (1, ["Node does not exist: " + root]), "get of a missing node")


@test()
def oneshot_ls_root():
    code, lines = oneshot("ls", "/")
    equal(code, 0, "exit code")
    assert "zookeeper" in listing(lines[-1]), lines


@test()
def oneshot_errors_have_exit_codes():
    root = unique("cli")
    equal(oneshot("create", root)[0], 0, "create")
    equal(oneshot("create", root), (1, ["Node already exists: " + root]), "create twice")
    equal(oneshot("set", "-v", "7", root, "x"), (1, ["version No is not valid : " + root]), "set with a wrong version")
    equal(oneshot("create", root + "/a/b"), (1, ["Node does not exist: " + root + "/a/b"]), "create without parent")
    code, lines = oneshot("create", root + "/", "x")
    equal(code, 1, "exit code for a path that ends with a slash")
    assert "Path must not end with / character" in "\n".join(lines), lines
    equal(oneshot("delete", root)[0], 0, "delete")


@test()
def oneshot_version_and_whoami():
    code, lines = oneshot("version")
    equal(code, 0, "exit code")
    assert lines[0].startswith("ZooKeeper CLI version: "), lines
    equal(oneshot("whoami"), (0, ["Auth scheme: User", "ip: 127.0.0.1"]), "whoami")


@test()
def oneshot_chroot():
    root = unique("cli")
    equal(oneshot("create", root)[0], 0, "create")
    equal(oneshot("create", "/below", "v", server=SERVER + root), (0, ["Created /below"]), "create in a chroot")
    equal(oneshot("get", root + "/below"), (0, ["v"]), "get from outside")
    equal(oneshot("ls", "/", server=SERVER + root), (0, ["[below]"]), "ls of the chroot")
    equal(oneshot("deleteall", root), (0, []), "deleteall")


@test()
def oneshot_reconfig_is_refused():
    code, lines = oneshot("reconfig", "-remove", "3")
    equal(code, 1, "exit code")
    assert lines in RECONFIG_REFUSALS, lines
