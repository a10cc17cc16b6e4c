"""One-shot watches and the watchers that Kazoo builds from them."""

import threading

from kazoo.recipe.cache import TreeCache
from kazoo.recipe.watchers import PatientChildrenWatch

from clients import Record, clients, fresh
from harness import equal, eventually, test


@test()
def watch_data_once():
    with clients(2) as (root, watcher, writer):
        seen = Record()
        watcher.get(root, watch=seen.watcher)
        for value in (b"1", b"2"):
            writer.set(root, value)
        equal(seen.wait_len(1), [("CHANGED", root)], "events")
        watcher.sync(root)
        watcher.get(root)
        equal(len(seen), 1, "a watch fires once")


@test()
def watch_exists():
    with clients(2) as (root, watcher, writer):
        seen, path = Record(), root + "/later"
        equal(watcher.exists(path, watch=seen.watcher), None, "exists")
        writer.create(path)
        seen.wait_len(1)
        watcher.exists(path, watch=seen.watcher)
        writer.set(path, b"x")
        seen.wait_len(2)
        watcher.exists(path, watch=seen.watcher)
        writer.delete(path)
        equal(seen.wait_len(3), [("CREATED", path), ("CHANGED", path), ("DELETED", path)], "events")


@test()
def watch_children():
    with clients(2) as (root, watcher, writer):
        seen, path = Record(), root + "/p"
        writer.create(path)
        fresh(watcher).get_children(path, watch=seen.watcher)
        writer.set(path, b"data does not matter")
        writer.create(path + "/kid")
        seen.wait_len(1)
        watcher.get_children(path, watch=seen.watcher)
        writer.set(path + "/kid", b"nor do grandchildren")
        writer.delete(path + "/kid")
        seen.wait_len(2)
        watcher.get_children(path, watch=seen.watcher)
        writer.delete(path)
        equal(seen.wait_len(3), [("CHILD", path), ("CHILD", path), ("DELETED", path)], "events")


@test()
def event_before_the_newer_data():
    """Who has a watch hears of a change before any answer shows it."""
    with clients(2) as (root, watcher, writer):
        for round_number in range(50):
            told = threading.Event()
            watcher.get(root, watch=lambda _, told=told: told.set())
            writer.set_async(root, b"%d" % round_number)
            eventually(lambda n=round_number: watcher.get(root)[0] == b"%d" % n, "the new data")
            # The event came on the wire first; Kazoo's callback thread may need a moment.
            assert told.wait(10), "data changed without an event"


@test()
def datawatch():
    with clients(2) as (root, watcher, writer):
        seen, path = Record(), root + "/d"

        @watcher.DataWatch(path)
        def changed(data, stat):
            seen.append(None if stat is None else (data, stat.version))

        seen.wait_len(1)
        writer.create(path, b"a")
        seen.wait_len(2)
        writer.set(path, b"b")
        seen.wait_len(3)
        writer.delete(path)
        seen.wait_len(4)
        writer.create(path, b"c")
        equal(seen.wait_len(5), [None, (b"a", 0), (b"b", 1), None, (b"c", 0)], "calls")


@test()
def childrenwatch():
    with clients(2) as (root, watcher, writer):
        seen = Record()

        @watcher.ChildrenWatch(root)
        def changed(children):
            seen.append(sorted(children))
            return len(children) < 3  # the third child ends the watch

        for number in range(3):
            seen.wait_len(number + 1)
            writer.create("%s/n%d" % (root, number))
        equal(seen.wait_len(4), [[], ["n0"], ["n0", "n1"], ["n0", "n1", "n2"]], "calls")
        writer.create(root + "/n3")
        watcher.sync(root)
        equal(len(seen), 4, "calls after the watch ended")


@test()
def patient_children_watch():
    with clients(2) as (root, watcher, writer):
        result = PatientChildrenWatch(watcher, root, 0.5).start()
        for number in range(5):
            writer.create("%s/n%d" % (root, number))
        children, changed = result.get(30)
        assert set(children) <= {"n%d" % number for number in range(5)}, children
        if len(children) == 5:
            equal(changed.ready(), False, "a further change")
            writer.create(root + "/one-more")
        changed.get(30)


@test()
def treecache():
    with clients(2) as (root, watcher, writer):
        writer.create(root + "/a", b"1")
        cache = TreeCache(watcher, root)
        cache.start()
        eventually(lambda: cache.get_data(root + "/a") is not None, "the first node")
        writer.create(root + "/a/b", b"2")
        writer.set(root + "/a", b"3")
        eventually(lambda: cache.get_data(root + "/a/b") is not None, "a new node")
        eventually(lambda: cache.get_data(root + "/a").data == b"3", "new data")
        equal(sorted(cache.get_children(root + "/a")), ["b"], "children")
        writer.delete(root + "/a", recursive=True)
        eventually(lambda: cache.get_data(root + "/a") is None, "the deletion")
        cache.close()


@test()
def many_watchers_of_one_node():
    with clients(5) as (root, writer, *watchers):
        seen = [Record() for _ in watchers]
        for watcher, record in zip(watchers, seen):
            watcher.get(root, watch=record.watcher)
            watcher.get_children(root, watch=record.watcher)
        transaction = writer.transaction()
        transaction.set_data(root, b"x")
        transaction.create(root + "/kid")
        transaction.commit()
        for record in seen:
            equal(record.wait_len(2), [("CHANGED", root), ("CHILD", root)], "events in the order of the transaction")
