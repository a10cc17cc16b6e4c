"""Kazoo's recipes that share data: counters, queues, parties, partitions."""

import threading

from clients import clients, close, connect, fresh, spawn
from harness import equal, eventually, test


@test()
def counter():
    with clients(4) as (root, *many):

        def work(client):
            shared = client.Counter(root + "/counter", default=0)
            for _ in range(10):
                shared += 1

        for done in [spawn(work, client) for client in many]:
            done.result(60)
        final = fresh(many[0]).Counter(root + "/counter")
        equal(final.value, 40, "sum")
        final -= 15
        equal((final.value, final.pre_value, final.post_value), (25, 40, 25), "after a subtraction")


@test()
def counter_of_curator():
    with clients() as (root, zk):
        shared = zk.Counter(root + "/counter", default=5, support_curator=True)
        shared += 3
        equal((shared.value, zk.get(root + "/counter")[0]), (8, b"\x00\x00\x00\x08"), "Curator's encoding")


@test()
def queue():
    with clients(2) as (root, one, two):
        line = one.Queue(root + "/queue")
        for value, priority in ((b"c", 100), (b"d", 100), (b"a", 5), (b"b", 50)):
            line.put(value, priority)
        equal(len(line), 4, "length")
        other = fresh(two).Queue(root + "/queue")
        equal([other.get() for _ in range(5)], [b"a", b"b", b"c", b"d", None], "by priority, then by age")


@test()
def queue_hands_out_each_entry_once():
    with clients(4) as (root, *many):
        many[0].Queue(root + "/queue").put(b"first")
        for number in range(59):
            many[0].Queue(root + "/queue").put(b"%d" % number)

        def drain(client):
            line, got = fresh(client).Queue(root + "/queue"), []
            while (value := line.get()) is not None:
                got.append(value)
            return got

        taken = [value for done in [spawn(drain, client) for client in many] for value in done.result(60)]
        equal(sorted(taken), sorted([b"first"] + [b"%d" % number for number in range(59)]), "entries")


@test()
def locking_queue():
    with clients(2) as (root, one, two):
        first, second = one.LockingQueue(root + "/queue"), two.LockingQueue(root + "/queue")
        first.put_all([b"a", b"b"])
        first.put(b"urgent", priority=1)
        fresh(two)
        equal(first.get(10), b"urgent", "first entry")
        equal(second.get(10), b"a", "another consumer gets another entry")
        equal((first.holds_lock(), first.consume(), first.holds_lock()), (True, True, False), "consume")
        equal((second.release(), second.get(10)), (True, b"a"), "release gives the entry back")
        second.consume()
        equal(first.get(10), b"b", "last entry")
        first.consume()
        equal(first.get(0.2), None, "an empty queue")
        pending = spawn(second.get, 30)
        first.put(b"late")
        equal(pending.result(30), b"late", "a waiting consumer")


@test()
def locking_queue_of_a_dead_consumer():
    with clients() as (root, zk):
        zk.LockingQueue(root + "/queue").put(b"work")
        dying = connect()
        equal(dying.LockingQueue(root + "/queue").get(10), b"work", "taken, but not consumed")
        pending = spawn(zk.LockingQueue(root + "/queue").get, 60)
        close(dying)
        equal(pending.result(60), b"work", "given to the next")


@test()
def parties():
    with clients(3) as (root, *many):
        party = [client.Party(root + "/party", "m%d" % index) for index, client in enumerate(many)]
        for member in party:
            member.join()
        fresh(many[0])
        equal((len(party[0]), sorted(party[0])), (3, ["m0", "m1", "m2"]), "members")
        party[1].leave()
        fresh(many[0])
        equal(sorted(party[0]), ["m0", "m2"], "after one left")
        close(many[2])
        eventually(lambda: sorted(party[0]) == ["m0"], "after one went away")
        shallow = many[0].ShallowParty(root + "/shallow", "s")
        shallow.join()
        equal((len(shallow), list(shallow)), (1, ["s"]), "a shallow party")


def drive(partitioner, stop):
    """Does what a process would do with its partitioner until told to stop; then it leaves."""
    pause = threading.Event()
    while not stop.is_set():
        if partitioner.failed:
            raise AssertionError("the partitioner failed")
        if partitioner.release:
            partitioner.release_set()
        elif partitioner.allocating:
            partitioner.wait_for_acquire(1)
        else:
            pause.wait(0.05)
    partitioner.finish()


@test()
def set_partitioner():
    with clients(3) as (root, *many):
        things = tuple("t%d" % number for number in range(7))
        parts, stops, driving = [], [], []

        def join(client):
            parts.append(client.SetPartitioner(root + "/set", things, identifier="p%d" % len(parts), time_boundary=0.3))
            stops.append(threading.Event())
            driving.append(spawn(drive, parts[-1], stops[-1]))

        def shared(count):
            """Tells whether the first `count` partitioners hold everything, each about as much as the others."""
            shares = [list(part) if part.acquired else [] for part in parts[:count]]
            sizes = [len(share) for share in shares]
            return sorted(sum(shares, [])) == sorted(things) and max(sizes) - min(sizes) <= 1

        join(many[0])
        join(many[1])
        eventually(lambda: shared(2), "two share the set")
        join(many[2])
        eventually(lambda: shared(3), "three share the set")
        stops[2].set()
        driving[2].result(30)
        eventually(lambda: shared(2), "two share the set again")
        for stop, done in zip(stops, driving):
            stop.set()
            done.result(30)
