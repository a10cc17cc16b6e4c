"""Sessions: ephemerals, broken connections, re-attaching, expiry, many at once."""

import threading

from kazoo.client import KazooState
from kazoo.exceptions import ConnectionLoss, NoNodeError, SessionExpiredError

import harness
from clients import Record, clients, close, connect, fresh, spawn
from harness import equal, eventually, raises, test
from proxy import Proxy


@test()
def ephemerals_go_with_close():
    with clients() as (root, zk):
        other = connect()
        seen = Record()
        other.create(root + "/e", ephemeral=True)
        stat = fresh(zk).exists(root + "/e", watch=seen.watcher)
        equal(stat.ephemeralOwner, other.client_id[0], "owner")
        close(other)
        equal(seen.wait_len(1), [("DELETED", root + "/e")], "events")
        equal(zk.get_children(root), [], "children")


@test()
def reconnect_keeps_the_session():
    with clients() as (root, zk), Proxy(harness.MEMBER) as proxy:
        other = connect(proxy.address)
        states = Record()
        other.add_listener(states.append)
        session = other.client_id[0]
        other.create(root + "/e", b"mine", ephemeral=True)
        for round_number in range(3):
            proxy.drop()
            eventually(lambda n=round_number: states.count(KazooState.CONNECTED) > n, "connected again")
            equal(other.client_id[0], session, "session id")
            equal(other.retry(other.get, root + "/e")[0], b"mine", "the ephemeral is still there")
        assert KazooState.LOST not in states, states
        close(other)
        equal(fresh(zk).exists(root + "/e"), None, "the ephemeral after close")


@test()
def connection_loss_is_reported():
    with clients() as (root, zk), Proxy(harness.MEMBER) as proxy:
        other = fresh(connect(proxy.address))
        states = Record()
        other.add_listener(states.append)
        proxy.hold()
        pending = [other.get_async(root) for _ in range(10)]
        proxy.refuse()
        for result in pending:
            raises((ConnectionLoss, SessionExpiredError), result.get, 30)
        eventually(lambda: KazooState.SUSPENDED in states, "suspended")
        proxy.allow()
        eventually(lambda: other.connected, "connected again")
        equal(other.retry(other.exists, root).version, 0, "and it works again")
        close(other)


@test()
def expiry_by_silence():
    with clients() as (root, zk), Proxy(harness.MEMBER) as proxy:
        other = connect(proxy.address, timeout=1)
        session = other.client_id[0]
        states, seen = Record(), Record()
        other.add_listener(states.append)
        other.create(root + "/e", ephemeral=True)
        fresh(zk).exists(root + "/e", watch=seen.watcher)
        proxy.refuse()
        equal(seen.wait_len(1), [("DELETED", root + "/e")], "the server expires the session")
        proxy.allow()
        eventually(lambda: KazooState.LOST in states, "the client hears of it")
        eventually(lambda: states[-1] == KazooState.CONNECTED, "and gets a new session")
        assert other.client_id[0] != session
        close(other)


@test()
def pings_keep_a_session():
    with clients() as (root, zk):
        other = connect(timeout=1)
        session = other.client_id[0]
        other.create(root + "/e", ephemeral=True)
        # Idle for several timeouts: a second session is made to expire after it, which takes longer.
        with Proxy(harness.MEMBER) as proxy:
            victim = connect(proxy.address, timeout=2)
            victim.create(root + "/victim", ephemeral=True)
            fresh(zk)
            proxy.refuse()
            eventually(lambda: zk.exists(root + "/victim") is None, "the silent session expires")
            close(victim)
        assert zk.exists(root + "/e"), "the idle session is alive"
        equal(other.client_id[0], session, "session id")
        close(other)


@test()
def attach_with_id_and_password():
    with clients() as (root, zk), Proxy(harness.MEMBER) as proxy:
        first = connect(proxy.address)
        identity = first.client_id
        first.create(root + "/e", ephemeral=True)
        proxy.refuse()
        second = connect(client_id=identity)
        equal(second.client_id, identity, "the same session")
        equal(fresh(second).exists(root + "/e").ephemeralOwner, identity[0], "owner")
        close(second)
        equal(fresh(zk).exists(root + "/e"), None, "the ephemeral goes with its session")
        third = connect(client_id=identity)
        assert third.client_id[0] != identity[0], "a closed session can't be had again"
        close(third)
        close(first)


@test()
def attach_takes_the_session_from_the_old_connection():
    """Of one server; another member of an ensemble lets the old connection read on, and refuses its writes."""
    with clients() as (root, zk):
        first = connect(harness.MEMBER)
        identity = first.client_id
        states = Record()
        first.add_listener(states.append)
        first.create(root + "/e", ephemeral=True)
        fresh(zk)
        second = connect(harness.MEMBER, client_id=identity)
        eventually(lambda: KazooState.SUSPENDED in states, "the first connection is closed by the server")
        # From here on the two take it from each other; nobody else is harmed, and it ends with them.
        close(first)
        close(second)
        eventually(lambda: zk.exists(root + "/e") is None, "the ephemeral goes with its session")


@test()
def attach_with_a_wrong_password():
    with clients() as (root, zk):
        owner = connect()
        session = owner.client_id[0]
        owner.create(root + "/e", ephemeral=True)
        thief = connect(client_id=(session, b"\x01" * 16))
        assert thief.client_id[0] != session, "the thief got a session of its own"
        raises(NoNodeError, thief.get, root + "/nothing")
        equal(fresh(zk).exists(root + "/e").ephemeralOwner, session, "owner of the ephemeral")
        close(thief)
        equal(owner.retry(owner.exists, root + "/e").ephemeralOwner, session, "the owner is back, and so is its session")
        close(owner)


@test()
def a_watch_survives_a_broken_connection():
    with clients() as (root, zk), Proxy(harness.MEMBER) as proxy:
        other = connect(proxy.address)
        seen = Record()

        @other.DataWatch(root)
        def changed(data, stat):
            seen.append(data)

        seen.wait_len(1)
        proxy.refuse()
        zk.set(root, b"while away")
        proxy.allow()
        eventually(lambda: b"while away" in seen, "the change made while the client was away")
        zk.set(root, b"afterwards")
        eventually(lambda: b"afterwards" in seen, "the change made afterwards")
        close(other)


@test()
def writes_across_broken_connections():
    """Every write that was acknowledged is there; none is there twice."""
    with clients() as (root, zk), Proxy(harness.MEMBER) as proxy:
        other = connect(proxy.address)
        acknowledged, stop = [], threading.Event()

        def writer():
            number = 0
            while not stop.is_set():
                name = "n%05d" % number
                number += 1
                try:
                    other.create("%s/%s" % (root, name))
                    acknowledged.append(name)
                except (ConnectionLoss, SessionExpiredError):
                    pass

        done = spawn(writer)
        for _ in range(5):
            already = len(acknowledged)
            eventually(lambda n=already: len(acknowledged) > n + 20, "writes go on")
            proxy.drop()
        stop.set()
        done.result(30)
        missing = set(acknowledged) - set(fresh(zk).get_children(root))
        equal(missing, set(), "acknowledged writes that are missing")
        close(other)


@test(needs=["ensemble"])
def a_session_moves_between_members():
    """Whoever takes a session along to another member finds its ephemerals there."""
    with clients() as (root, zk):
        identity, before = None, []
        for number, member in enumerate(harness.SERVER.split(",")):
            proxy = Proxy(member)
            client = connect(proxy.address, client_id=identity)
            identity = identity or client.client_id
            equal(client.client_id, identity, "the same session")
            client.create("%s/e%d" % (root, number), ephemeral=True)
            equal(len(fresh(client).get_children(root)), number + 1, "ephemerals of the session")
            before.append((client, proxy))
            if number < 2:
                proxy.refuse()
        client.stop()
        equal(fresh(zk).get_children(root), [], "all go with their session")
        for client, proxy in before:
            proxy.allow()
            close(client)
            proxy.refuse()


@test(needs=["cnxns"])
def many_sessions():
    with clients() as (root, zk):
        made = [spawn(connect) for _ in range(60)]
        sessions = [future.result(60) for future in made]
        equal(len({session.client_id[0] for session in sessions}), 60, "different sessions")
        for number, session in enumerate(sessions):
            session.create_async("%s/e%d" % (root, number), ephemeral=True).get(30)
        equal(fresh(zk).exists(root).numChildren, 60, "ephemerals")
        for done in [spawn(close, session) for session in sessions]:
            done.result(60)
        eventually(lambda: zk.exists(root).numChildren == 0, "all ephemerals are gone")
