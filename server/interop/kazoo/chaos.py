"""What Kazoo's recipes promise while the leader of the ensemble is killed and comes back, again and again.

The clients' requests fail all the time, and whether one that failed was carried out nobody can tell. What they were
told, however, must hold: and since the ensemble is never away for long, no session may end.
"""

import contextlib
import threading
import time

from kazoo.client import KazooState
from kazoo.exceptions import KazooException, NodeExistsError, NoNodeError
from kazoo.recipe.cache import TreeCache

import harness
from clients import Record, close, connect, fresh, spawn
from harness import CHAOS_SECONDS, chaos, equal, eventually

# In seconds; the longest that a server with ticks of 500 ms grants.
SESSION_SECONDS = 10


class Troubled:
    """Clients of one test, with what has happened to them."""

    def __init__(self, count):
        self.root = harness.unique("chaos")
        self.deadline = time.monotonic() + CHAOS_SECONDS
        self.breaks = Record()
        self.lost = Record()
        self.clients = [self.connect() for _ in range(count)]
        self.make("", b"")

    def connect(self):
        """A client whose `retry` goes on until the request is answered."""
        endless = {"max_tries": -1, "delay": 0.05, "backoff": 1, "max_delay": 0.2}
        client = connect(timeout=SESSION_SECONDS, command_retry=endless)

        def heard(state):
            if state == KazooState.SUSPENDED:
                self.breaks.append(state)
            elif state == KazooState.LOST:
                self.lost.append(state)

        client.heard = heard
        client.add_listener(heard)
        return client

    def make(self, name, data):
        """Makes a node below the root, even if the answer to the first try gets lost."""
        with contextlib.suppress(NodeExistsError):
            self.clients[0].retry(self.clients[0].create, self.root + name, data)

    def read(self, name):
        """The newest data of a node below the root."""
        return self.clients[0].retry(lambda: fresh(self.clients[0]).get(self.root + name)[0])

    def leave(self, client):
        """Closes a client's session, which is then no lost one. Each new leader gives every session its full time again,
        so one that was only left alone would stay as long as leaders are killed."""
        client.remove_listener(client.heard)
        with contextlib.suppress(KazooException):
            client.retry(client.sync, "/")
        close(client)

    def goes_on(self):
        """Whether the leader is to be killed still."""
        return time.monotonic() < self.deadline

    def work(self, function):
        """Runs function(number, client) for each client at once, and fails as the first of them does."""
        running = [spawn(function, number, client) for number, client in enumerate(self.clients)]
        for done in running:
            done.result(CHAOS_SECONDS + 50)

    def finish(self):
        """Fails if a session has ended, or if nothing has happened to any client."""
        equal(len(self.lost), 0, "sessions that were lost")
        assert self.breaks, "no connection was ever broken: the test has shown nothing"


@contextlib.contextmanager
def troubled(count):
    test = Troubled(count)
    try:
        yield test
        test.finish()
    finally:
        for client in test.clients:
            test.leave(client)
        sweeper = connect()
        with contextlib.suppress(Exception):
            sweeper.delete(test.root, recursive=True)
        close(sweeper)


class Room:
    """Counts who is inside."""

    def __init__(self, most):
        self.most = most
        self.turns = 0
        self._inside = 0
        self._lock = threading.Lock()

    def __enter__(self):
        with self._lock:
            self._inside += 1
            self.turns += 1
            assert self._inside <= self.most, "%d inside, allowed are %d" % (self._inside, self.most)

    def __exit__(self, *_):
        with self._lock:
            self._inside -= 1


def add_one(client, path):
    """Reads a number and writes the next one; for who is alone. An answer that got lost is looked for."""
    value = int(client.retry(client.get, path)[0])
    while True:
        try:
            client.set(path, b"%d" % (value + 1))
            return
        except KazooException:
            now = int(client.retry(lambda: fresh(client).get(path))[0])
            assert now in (value, value + 1), "somebody else has changed %d to %d" % (value, now)
            if now == value + 1:
                return


@chaos
def lock_is_held_once():
    with troubled(4) as test:
        number, room = test.root + "/number", Room(1)
        test.make("/number", b"0")

        def work(_, client):
            lock = client.Lock(test.root + "/lock")
            while test.goes_on():
                with lock, room:
                    fresh(client)
                    add_one(client, number)

        test.work(work)
        equal(int(test.read("/number")), room.turns, "increments under the lock")


@chaos
def semaphore_has_two_leases():
    with troubled(4) as test:
        room = Room(2)

        def work(number, client):
            semaphore = client.Semaphore(test.root + "/semaphore", "c%d" % number, max_leases=2)
            while test.goes_on():
                with semaphore, room:
                    client.retry(client.sync, test.root)

        test.work(work)
        assert room.turns > 4, room.turns


@chaos
def one_is_elected():
    with troubled(4) as test:
        room, leaders = Room(1), set()

        def work(number, client):
            election = client.Election(test.root + "/election", "c%d" % number)

            def lead():
                with room:
                    leaders.add(number)
                    client.retry(client.sync, test.root)

            while test.goes_on():
                election.run(lead)

        test.work(work)
        equal(leaders, {0, 1, 2, 3}, "who has led")


@chaos
def counter_loses_no_increment():
    with troubled(4) as test:
        done = Record()

        def work(_, client):
            shared = client.Counter(test.root + "/counter", default=0)
            while test.goes_on():
                shared += 1
                done.append(1)

        test.work(work)
        value = int(test.read("/counter"))
        # Kazoo repeats an increment whose answer got lost, so each break may count one twice; none may be missing.
        assert len(done) <= value <= len(done) + len(test.breaks), (len(done), value, len(test.breaks))


@chaos
def locking_queue_hands_out_each_entry_once():
    with troubled(4) as test:
        path = test.root + "/queue"
        for name in ("/queue", "/queue/taken", "/queue/entries"):
            test.make(name, b"")
        put, unsure_of_put, consumed, unsure = Record(), Record(), Record(), Record()

        def produce(number, client):
            queue, count = client.LockingQueue(path), 0
            while test.goes_on():
                value = b"%d-%d" % (number, count)
                count += 1
                try:
                    queue.put(value)
                    put.append(value)
                except KazooException:
                    unsure_of_put.append(value)

        def consume(client, goes_on):
            """Takes entries until an answer gets lost, with which the session may hold one without knowing."""
            queue = client.LockingQueue(path)
            while goes_on():
                value = None
                try:
                    value = queue.get(0.5)
                    if value is not None and queue.consume():
                        consumed.append(value)
                except KazooException:
                    if value is not None:
                        unsure.append(value)
                    return

        def consume_on(goes_on):
            while goes_on():
                client = test.connect()
                consume(client, goes_on)
                test.leave(client)

        def left():
            client = test.clients[0]
            return client.retry(lambda: fresh(client).get_children(path + "/entries"))

        def drain():
            return left() and time.monotonic() < test.deadline + 20

        test.work(lambda number, client: produce(number, client) if number < 2 else consume_on(test.goes_on))
        consume_on(drain)
        there = {test.read("/queue/entries/" + name) for name in left()}
        equal(len(consumed), len(set(consumed)), "entries consumed, and different ones among them")
        equal(set(put) - set(consumed) - set(unsure) - there, set(), "entries that were put and are neither there nor came out")
        equal(set(consumed) - set(put) - set(unsure_of_put), set(), "entries that nobody has put")


@chaos
def every_acknowledged_write_is_there():
    with troubled(4) as test:
        made, unsure = Record(), Record()

        def work(number, client):
            count = 0
            while test.goes_on():
                count += 1
                name = "w%d-%d-" % (number, count)
                try:
                    made.append(client.create("%s/%s" % (test.root, name), sequence=True)[len(test.root) + 1 :])
                except KazooException:
                    unsure.append(name)

        test.work(work)
        there = test.clients[0].retry(lambda: fresh(test.clients[0]).get_children(test.root))
        equal(set(made) - set(there), set(), "acknowledged nodes that are missing")
        extra = [name[:-10] for name in there if name not in set(made)]
        equal(set(extra) - set(unsure), set(), "nodes that nobody has made")
        equal(len(extra), len(set(extra)), "nodes, and different ones among them, of requests without an answer")
        numbers = [name[-10:] for name in there]
        equal(len(numbers), len(set(numbers)), "sequence numbers, and different ones among them")


@chaos
def idle_sessions_keep_their_ephemerals():
    with troubled(20) as test:
        for number, client in enumerate(test.clients):
            try:
                client.retry(client.create, "%s/e%d" % (test.root, number), ephemeral=True)
            except NodeExistsError:
                pass  # the answer to the first try got lost
        owners = [client.client_id[0] for client in test.clients]
        pause = threading.Event()
        while test.goes_on():
            pause.wait(0.5)
            equal(len(test.clients[0].retry(test.clients[0].get_children, test.root)), 20, "ephemerals")
        for number, client in enumerate(test.clients):
            stat = client.retry(client.exists, "%s/e%d" % (test.root, number))
            equal(stat.ephemeralOwner, owners[number], "owner")


@chaos
def watchers_catch_up():
    with troubled(2) as test:
        watcher, writer = test.clients
        path, values, lists = test.root + "/data", Record(), Record()
        test.make("/data", b"")
        fresh(watcher)
        watcher.DataWatch(path, lambda data, stat: values.append(data))
        watcher.ChildrenWatch(path, lambda children: lists.append(sorted(children)))
        cache = TreeCache(watcher, path)
        cache.start()
        count = 0
        while test.goes_on():
            count += 1
            writer.retry(writer.set, path, b"%d" % count)
            with contextlib.suppress(NodeExistsError):
                writer.retry(writer.create, "%s/n%d" % (path, count))
            if count > 3:
                with contextlib.suppress(NoNodeError):
                    writer.retry(writer.delete, "%s/n%d" % (path, count - 3))
        want = sorted("n%d" % number for number in range(count - 2, count + 1))
        eventually(lambda: values[-1] == b"%d" % count, "the data watch knows the last value")
        eventually(lambda: lists[-1] == want, "the children watch knows the last children")
        eventually(lambda: cache.get_data(path).data == b"%d" % count, "the cache knows the last value")
        eventually(lambda: sorted(cache.get_children(path)) == want, "the cache knows the last children")
        numbers = [int(value) for value in values if value]
        equal(numbers, sorted(numbers), "no watcher goes back in time")
        cache.close()
