"""Interactive: creating, reading, changing and deleting nodes in every way that the shell knows."""

import re

from harness import SERVER, equal, eventually, test, unique
from shell import MEMBERS, RECONFIG_REFUSALS, Shell, listing, oneshot, stat_of


@test()
def create_modes():
    root = unique("cli")
    with Shell() as cli:
        equal(cli.do("create %s data" % root), ["Created " + root], "create")
        equal(cli.do("create %s data" % root), ["Node already exists: " + root], "create twice")
        equal(cli.do("create -s %s/s- a" % root), ["Created %s/s-0000000000" % root], "sequential")
        equal(cli.do("create -e %s/e b" % root), ["Created %s/e" % root], "ephemeral")
        equal(cli.do("create -e -s %s/es- c" % root), ["Created %s/es-0000000002" % root], "ephemeral sequential")
        equal(cli.do("create -c %s/c d" % root), ["Created %s/c" % root], "container")
        equal(cli.do("create %s/none" % root), ["Created %s/none" % root], "without data")
        names = listing(cli.do("ls " + root)[-1])
        equal(names, ["c", "e", "es-0000000002", "none", "s-0000000000"], "children")
        equal(cli.do("get %s/none" % root), ["null"], "data that was not given")
        owner = stat_of(cli.do("stat %s/e" % root))["ephemeralOwner"]
        assert re.fullmatch(r"0x[0-9a-f]+", owner) and owner != "0x0", owner
        equal(stat_of(cli.do("stat %s/c" % root))["ephemeralOwner"], "0x0", "owner of a container")
        equal(cli.do("create %s/e/below" % root), ["Ephemerals cannot have children: %s/e/below" % root], "below an ephemeral")
        equal(cli.do("deleteall " + root), [], "deleteall")
        cli.quit()


@test(needs=["ttl"])
def create_ttl():
    root = unique("cli")
    with Shell() as cli:
        equal(cli.do("create -t 600000 %s d" % root), ["Created " + root], "TTL")
        equal(cli.do("create -s -t 600000 %s/q- d" % root), ["Created %s/q-0000000000" % root], "sequential TTL")
        equal(stat_of(cli.do("stat " + root))["ephemeralOwner"], "0x0", "owner of a TTL node")
        refusal = " ".join(cli.do("create -e -t 600000 %s/x d" % root))
        assert "cannot be used with Ephemeral" in refusal, refusal
        cli.do("deleteall " + root)


@test()
def ephemeral_goes_with_its_shell():
    root = unique("cli")
    with Shell() as watcher:
        watcher.do("create " + root)
        with Shell() as owner:
            equal(owner.do("create -e %s/e here" % root), ["Created %s/e" % root], "create -e")
            equal(watcher.fresh().do("get %s/e" % root), ["here"], "seen by another session")
            owner.quit()
        equal(watcher.fresh().do("get %s/e" % root), ["Node does not exist: %s/e" % root], "after its session was closed")
        watcher.do("deleteall " + root)


@test()
def ls_stat_get():
    root = unique("cli")
    with Shell() as cli:
        for path in ("", "/b", "/a", "/a/x"):
            cli.do("create %s%s v" % (root, path))
        equal(listing(cli.do("ls " + root)[-1]), ["a", "b"], "ls")
        lines = cli.do("ls -s " + root)
        equal(listing(lines[0]), ["a", "b"], "ls -s")
        equal(stat_of(lines)["numChildren"], "2", "numChildren")
        equal(sorted(cli.do("ls -R " + root)), [root, root + "/a", root + "/a/x", root + "/b"], "ls -R")
        lines = cli.do("get -s " + root)
        equal(lines[0], "v", "data")
        stat = stat_of(lines)
        equal(
            list(stat),
            ["cZxid", "ctime", "mZxid", "mtime", "pZxid", "cversion", "dataVersion", "aclVersion", "ephemeralOwner", "dataLength", "numChildren"],
            "lines of a stat",
        )
        equal(stat["cZxid"], stat["mZxid"], "mZxid of a node never set")
        equal(stat["ctime"], stat["mtime"], "mtime of a node never set")
        assert int(stat["pZxid"], 16) > int(stat["cZxid"], 16), stat
        equal([stat[key] for key in ("cversion", "dataVersion", "aclVersion", "ephemeralOwner", "dataLength")], ["2", "0", "0", "0x0", "1"], "counters")
        equal(cli.do("ls %s/none" % root), ["Node does not exist: %s/none" % root], "ls of a missing node")
        equal(cli.do("stat %s/none" % root), ["Node does not exist: %s/none" % root], "stat of a missing node")
        cli.do("deleteall " + root)


@test()
def set_and_versions():
    root = unique("cli")
    with Shell() as cli:
        cli.do("create %s v0" % root)
        equal(cli.do("set %s v1" % root), [], "set")
        stat = stat_of(cli.do("set -s %s v22" % root))
        equal((stat["dataVersion"], stat["dataLength"]), ("2", "3"), "set -s")
        assert int(stat["mZxid"], 16) > int(stat["cZxid"], 16), stat
        equal(cli.do("set -v 1 %s no" % root), ["version No is not valid : " + root], "set with an old version")
        equal(cli.do("set -v 2 %s yes" % root), [], "set with the right version")
        equal(cli.do("get " + root), ["yes"], "get")
        equal(cli.do("delete -v 2 " + root), ["version No is not valid : " + root], "delete with an old version")
        equal(cli.do("delete -v 3 " + root), [], "delete with the right version")
        equal(cli.do("set %s x" % root), ["Node does not exist: " + root], "set of a missing node")


@test()
def delete_and_deleteall():
    root = unique("cli")
    with Shell() as cli:
        for path in ("", "/a", "/a/b", "/a/b/c", "/d"):
            cli.do("create " + root + path)
        equal(cli.do("delete %s/a" % root), ["Node not empty: %s/a" % root], "delete with children")
        equal(cli.do("delete %s/d" % root), [], "delete")
        equal(cli.do("delete %s/d" % root), ["Node does not exist: %s/d" % root], "delete twice")
        # A batch of two makes the shell send several multi requests.
        equal(cli.do("deleteall %s -b 2" % root), [], "deleteall")
        equal(cli.do("ls " + root), ["Node does not exist: " + root], "after deleteall")


@test()
def sync_and_counts():
    root = unique("cli")
    with Shell() as cli:
        for path in ("", "/a", "/a/b", "/c"):
            cli.do("create " + root + path)
        equal(cli.do("sync " + root), ["Sync is OK"], "sync")
        equal(cli.do("getAllChildrenNumber " + root), ["3"], "getAllChildrenNumber")
        equal(cli.do("getAllChildrenNumber %s/none" % root), ["Node does not exist: %s/none" % root], "of a missing node")
        equal(cli.do("getEphemerals " + root), ["[]"], "without ephemerals")
        cli.do("create -e %s/a/e1" % root)
        cli.do("create -e %s/e2" % root)
        equal(listing(cli.do("getEphemerals " + root)[-1]), [root + "/a/e1", root + "/e2"], "below the root")
        equal(listing(cli.do("getEphemerals %s/a" % root)[-1]), [root + "/a/e1"], "below a")
        equal(listing(cli.do("getEphemerals")[-1]), [root + "/a/e1", root + "/e2"], "of the session")
        cli.do("deleteall " + root)


@test(needs=["sweep"])
def container_is_swept():
    root = unique("cli")
    with Shell() as cli:
        cli.do("create -c " + root)
        cli.do("create %s/child" % root)
        equal(cli.do("delete %s/child" % root), [], "delete the last child")
        gone = ["Node does not exist: " + root]
        eventually(lambda: cli.do("stat " + root) == gone, "the empty container is deleted", 75)


@test()
def shell_itself():
    with Shell() as cli:
        equal(cli.do("printwatches"), ["printwatches is on"], "printwatches")
        equal(cli.do("printwatches off"), [], "printwatches off")
        equal(cli.do("printwatches"), ["printwatches is off"], "printwatches")
        lines = cli.do("history")
        assert any(line.endswith(" - printwatches off") for line in lines), lines
        number = next(line.split(" - ")[0] for line in lines if line.endswith(" - printwatches off"))
        cli.do("printwatches on")
        cli.do("redo " + number)
        equal(cli.do("printwatches"), ["printwatches is off"], "after redo")
        assert cli.do("version")[0].startswith("ZooKeeper CLI version: ")


@test()
def close_and_connect():
    root = unique("cli")
    with Shell() as cli:
        equal(cli.do("create -e " + root), ["Created " + root], "create -e")
        cli.type("close")
        cli.wait_for("state:Closed type:None")
        cli.type("connect " + SERVER)
        cli.wait_for("state:SyncConnected type:None")
        equal(cli.do("get " + root), ["Node does not exist: " + root], "the ephemeral of the closed session")
        cli.quit()


@test(needs=["ensemble"])
def config_of_an_ensemble():
    with Shell() as cli:
        lines = cli.do("config")
        equal(sorted(line.partition(";")[2] for line in lines if line.startswith("server.")), sorted(MEMBERS), "where members serve clients")
        assert lines[-1].startswith("version="), lines
        equal(cli.do("get /zookeeper/config"), lines, "data of the config node")
        equal(sorted(cli.do("config -c")[0].partition(" ")[2].split(",")), sorted(MEMBERS), "config -c")


@test(needs=["ensemble"])
def every_member_serves():
    root = unique("cli")
    equal(oneshot("create", root)[0], 0, "create")
    shells = [Shell(member) for member in MEMBERS]
    for number, shell in enumerate(shells):
        equal(shell.do("create %s/n%d by-%d" % (root, number, number)), ["Created %s/n%d" % (root, number)], "create")
    for shell in shells:
        shell.fresh()
        for number in range(len(shells)):
            equal(shell.do("get %s/n%d" % (root, number)), ["by-%d" % number], "what was written at another member")
    shells[0].do("deleteall " + root)
    for shell in shells:
        shell.quit()


@test(needs=["standalone"])
def config_and_reconfig():
    with Shell() as cli:
        equal(cli.do("config"), [], "config of a standalone server")
        stat = stat_of(cli.do("config -s"))
        equal((stat["dataVersion"], stat["aclVersion"], stat["dataLength"]), ("0", "-1", "0"), "stat of the config node")
        equal(cli.do("get /zookeeper/config"), [], "data of the config node")
        for arguments in ("-remove 1", "-add server.9=127.0.0.1:2888:3888;2181"):
            lines = cli.do("reconfig " + arguments)
            assert lines in RECONFIG_REFUSALS, lines
        equal(cli.do("delete /zookeeper/config"), ["Arguments are not valid : /zookeeper/config"], "delete of a system node")
