"""Interactive: watches of every kind, as the shell prints them."""

from harness import equal, test, unique
from shell import Shell, events_of


def event(kind, path):
    """The pattern of one printed event."""
    return r"type:%s path:%s( |$)" % (kind, path)


@test()
def watch_get():
    root = unique("cli")
    with Shell() as watcher, Shell() as writer:
        writer.do("create %s v" % root)
        equal(watcher.fresh().do("get -w " + root), ["v"], "get -w")
        writer.do("set %s w" % root)
        watcher.wait_for(event("NodeDataChanged", root))
        writer.do("set %s x" % root)
        equal(events_of(watcher.do("sync " + root)), [], "a watch fires once")
        watcher.do("get -w " + root)
        writer.do("delete " + root)
        watcher.wait_for(event("NodeDeleted", root))


@test()
def watch_stat_and_ls():
    root = unique("cli")
    with Shell() as watcher, Shell() as writer:
        writer.do("create " + root)
        watcher.fresh().do("stat -w " + root)
        watcher.do("ls -w " + root)
        writer.do("create %s/kid" % root)
        watcher.wait_for(event("NodeChildrenChanged", root))
        writer.do("set %s x" % root)
        watcher.wait_for(event("NodeDataChanged", root))
        watcher.do("ls -w " + root)
        writer.do("delete %s/kid" % root)
        watcher.wait_for(event("NodeChildrenChanged", root))
        equal(events_of(watcher.do("sync " + root)), [], "nothing more")
        writer.do("deleteall " + root)


@test()
def watch_ls_recursive():
    root = unique("cli")
    with Shell() as watcher, Shell() as writer:
        writer.do("create " + root)
        writer.do("create %s/a" % root)
        equal(watcher.fresh().do("ls -R -w " + root)[:2], [root, root + "/a"], "ls -R -w")
        writer.do("create %s/a/b" % root)
        watcher.wait_for(event("NodeChildrenChanged", root + "/a"))
        writer.do("deleteall " + root)


@test()
def watch_persistent():
    root = unique("cli")
    with Shell() as watcher, Shell() as writer:
        writer.do("create " + root)
        equal(watcher.fresh().do("addWatch -m PERSISTENT " + root), [], "addWatch")
        for _ in range(2):
            writer.do("set %s x" % root)
            watcher.wait_for(event("NodeDataChanged", root))
            writer.do("create %s/kid" % root)
            watcher.wait_for(event("NodeChildrenChanged", root))
            writer.do("create %s/kid/deep" % root)
            writer.do("deleteall %s/kid" % root)
            seen = watcher.wait_for(event("NodeChildrenChanged", root))
            equal([path for _, path in events_of(seen)], [root], "only the node and its children")
        writer.do("delete " + root)
        watcher.wait_for(event("NodeDeleted", root))
        writer.do("create " + root)
        watcher.wait_for(event("NodeCreated", root))
        writer.do("delete " + root)


@test()
def watch_recursive():
    root = unique("cli")
    with Shell() as watcher, Shell() as writer:
        equal(watcher.do("addWatch " + root), [], "addWatch of a node that does not exist yet")
        writer.do("create " + root)
        writer.do("create %s/a" % root)
        writer.do("create %s/a/b" % root)
        writer.do("set %s/a/b x" % root)
        writer.do("deleteall " + root)
        events = events_of(watcher.wait_for(event("NodeDeleted", root)))
        want = [
            ("NodeCreated", root),
            ("NodeCreated", root + "/a"),
            ("NodeCreated", root + "/a/b"),
            ("NodeDataChanged", root + "/a/b"),
            ("NodeDeleted", root + "/a/b"),
            ("NodeDeleted", root + "/a"),
            ("NodeDeleted", root),
        ]
        equal(events, want, "events of the subtree")


@test()
def watch_removal():
    root = unique("cli")
    with Shell() as cli, Shell() as writer:
        writer.do("create " + root)
        cli.fresh()
        for command, option, kind in (("get -w ", "-d", "DataWatchRemoved"), ("ls -w ", "-c", "ChildWatchRemoved")):
            cli.do(command + root)
            cli.type("removewatches %s %s" % (root, option))
            cli.wait_for(event(kind, root))
        equal(cli.do("removewatches %s -d" % root)[-1:], ["KeeperErrorCode = No such watcher for " + root], "no watch left")
        cli.do("get -w " + root)
        cli.do("ls -w " + root)
        cli.type("removewatches %s -a" % root)
        cli.wait_for(event("(Data|Child)WatchRemoved", root))
        cli.wait_for(event("(Data|Child)WatchRemoved", root))
        cli.do("addWatch " + root)
        cli.type("removewatches " + root)
        cli.wait_for(event("PersistentWatchRemoved", root))
        writer.do("set %s x" % root)
        writer.do("create %s/kid" % root)
        equal(events_of(cli.do("sync " + root)), [], "events after all watches are gone")
        writer.do("deleteall " + root)


@test()
def watch_of_an_ephemeral():
    root = unique("cli")
    with Shell() as watcher, Shell() as owner:
        owner.do("create -e " + root)
        watcher.fresh().do("stat -w " + root)
        owner.quit()
        watcher.wait_for(event("NodeDeleted", root))
