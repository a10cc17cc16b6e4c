"""Kazoo's recipes that make processes wait for each other."""

import datetime
import threading

from kazoo.exceptions import LockTimeout

import harness
from clients import Record, clients, close, connect, fresh, spawn
from harness import equal, eventually, raises, test
from proxy import Proxy


@test()
def lock_excludes():
    with clients(4) as (root, *many):
        path, inside, most, order = root + "/lock", [], [], Record()

        def work(client, name):
            lock = client.Lock(path, name)
            for _ in range(5):
                with lock:
                    inside.append(name)
                    most.append(len(inside))
                    order.append(name)
                    inside.remove(name)

        for done in [spawn(work, client, "c%d" % index) for index, client in enumerate(many)]:
            done.result(60)
        equal((len(order), max(most)), (20, 1), "turns, and holders at a time")
        equal(fresh(many[0]).get_children(path), [], "nothing is left behind")


@test()
def lock_timeout_contenders_cancel():
    with clients(3) as (root, first, second, third):
        path = root + "/lock"
        held, waiting = first.Lock(path, "one"), second.Lock(path, "two")
        assert held.acquire()
        raises(LockTimeout, waiting.acquire, timeout=0.3)
        equal(waiting.acquire(blocking=False), False, "without waiting")
        pending = spawn(waiting.acquire)
        eventually(lambda: third.Lock(path).contenders() == ["one", "two"], "contenders")
        held.release()
        equal(pending.result(30), True, "the next one gets it")
        waiting.release()


@test()
def lock_passes_on_when_its_holder_dies():
    with clients() as (root, zk), Proxy(harness.MEMBER) as proxy:
        holder = connect(proxy.address, timeout=1)
        assert holder.Lock(root + "/lock", "holder").acquire()
        pending = spawn(zk.Lock(root + "/lock", "heir").acquire)
        eventually(lambda: len(zk.get_children(root + "/lock")) == 2, "the heir waits")
        proxy.refuse()
        equal(pending.result(60), True, "the heir gets the lock")
        close(holder)


@test()
def read_and_write_locks():
    with clients(4) as (root, one, two, three, four):
        path = root + "/rw"
        first, second = one.ReadLock(path, "r1"), two.ReadLock(path, "r2")
        assert first.acquire() and second.acquire(), "readers share"
        writer = three.WriteLock(path, "w")
        pending = spawn(writer.acquire)
        eventually(lambda: len(one.get_children(path)) == 3, "the writer waits")
        equal(pending.done(), False, "the writer has it")
        late = spawn(four.ReadLock(path, "r3").acquire)
        eventually(lambda: len(one.get_children(path)) == 4, "the late reader waits")
        first.release()
        second.release()
        equal(pending.result(30), True, "the writer gets it")
        equal(late.done(), False, "the late reader has it")
        writer.release()
        equal(late.result(30), True, "the late reader gets it")


@test()
def semaphore():
    with clients(3) as (root, one, two, three):
        path = root + "/semaphore"
        leases = [client.Semaphore(path, "s%d" % index, max_leases=2) for index, client in enumerate((one, two, three))]
        assert leases[0].acquire() and leases[1].acquire()
        equal(leases[2].acquire(blocking=False), False, "a third lease")
        equal(sorted(leases[2].lease_holders()), ["s0", "s1"], "holders")
        pending = spawn(leases[2].acquire)
        leases[0].release()
        equal(pending.result(30), True, "after a release")
        leases[1].release()
        leases[2].release()


@test()
def election():
    with clients(3) as (root, *many):
        path, leaders, release = root + "/election", Record(), [threading.Event() for _ in range(3)]
        elections = [client.Election(path, "e%d" % index) for index, client in enumerate(many)]

        def lead(index):
            leaders.append(index)
            release[index].wait(60)

        running = [spawn(election.run, lead, index) for index, election in enumerate(elections)]
        leaders.wait_len(1)
        eventually(lambda: len(elections[0].contenders()) == 3, "contenders")
        for turn in range(3):
            current = leaders.wait_len(turn + 1, "leaders")[turn]
            equal(len(leaders), turn + 1, "leaders at a time")
            release[current].set()
            running[current].result(30)
        equal(sorted(leaders), [0, 1, 2], "everyone led once")


@test()
def election_after_the_leader_vanishes():
    with clients() as (root, zk), Proxy(harness.MEMBER) as proxy:
        doomed = connect(proxy.address, timeout=1)
        leaders, forever = Record(), threading.Event()

        def lead(name):
            leaders.append(name)
            forever.wait(60)

        spawn(doomed.Election(root + "/e", "doomed").run, lead, "doomed")
        leaders.wait_len(1)
        spawn(zk.Election(root + "/e", "heir").run, lead, "heir")
        eventually(lambda: len(zk.get_children(root + "/e")) == 2, "two contenders")
        proxy.refuse()
        equal(leaders.wait_len(2, "leaders"), ["doomed", "heir"], "leaders")
        forever.set()
        close(doomed)


@test()
def barrier():
    with clients(3) as (root, keeper, one, two):
        gate = keeper.Barrier(root + "/barrier")
        gate.create()
        equal(fresh(one).Barrier(root + "/barrier").wait(timeout=0.2), False, "a closed barrier")
        waiting = [spawn(fresh(client).Barrier(root + "/barrier").wait, 60) for client in (one, two)]
        equal(gate.remove(), True, "remove")
        equal([future.result(30) for future in waiting], [True, True], "an open barrier")


@test()
def double_barrier():
    with clients(3) as (root, *many):
        path, log = root + "/double", Record()

        def work(client, name):
            gate = client.DoubleBarrier(path, 3, name)
            gate.enter()
            log.append("in")
            gate.leave()
            log.append("out")

        running = [spawn(work, client, "d%d" % index) for index, client in enumerate(many[:2])]
        eventually(lambda: many[0].exists(path) and len(many[0].get_children(path)) == 2, "two wait")
        equal(list(log), [], "nobody is in before the third")
        running.append(spawn(work, many[2], "d2"))
        for future in running:
            future.result(60)
        equal(sorted(log), ["in"] * 3 + ["out"] * 3, "all came in and left")


@test()
def lease():
    with clients(2) as (root, one, two):
        now = [datetime.datetime(2020, 1, 1)]
        hour = datetime.timedelta(hours=1)

        def take(client, name):
            return bool(fresh(client).NonBlockingLease(root + "/lease", hour, identifier=name, utcnow=lambda: now[0]))

        equal((take(one, "a"), take(two, "b"), take(one, "a")), (True, False, True), "one holder, who may renew")
        now[0] += datetime.timedelta(hours=2)
        equal((take(two, "b"), take(one, "a")), (True, False), "after it ran out")
        leases = [bool(fresh(client).MultiNonBlockingLease(2, root + "/multi", hour, identifier=name, utcnow=lambda: now[0])) for client, name in ((one, "a"), (two, "b"), (one, "c"))]
        equal(leases, [True, True, False], "two leases for three")
