"""Connected clients for a test, which go away with it."""

import concurrent.futures
import contextlib
import threading

from kazoo.client import KazooClient

import harness

# In seconds. Between two and twenty ticks for any tick from 500 to 2000 ms, so the server takes it as it is.
SESSION_SECONDS = 8


def connect(hosts=None, timeout=SESSION_SECONDS, **options):
    """A started client. It retries a broken connection at once instead of backing off for long."""
    retry = {"max_tries": -1, "delay": 0.05, "backoff": 1, "max_delay": 0.2}
    client = KazooClient(hosts=hosts or harness.SERVER, timeout=timeout, connection_retry=retry, **options)
    client.start(timeout=30)
    return client


def close(client):
    """Ends a client in whatever state it is."""
    with contextlib.suppress(Exception):
        client.stop()
    with contextlib.suppress(Exception):
        client.close()


def fresh(client):
    """The client, which now sees all that anybody was told to be done: its server may know it later than others."""
    client.retry(client.sync, "/")
    return client


@contextlib.contextmanager
def clients(count=1, **options):
    """Yields (root, client, …): connected clients, and a node that exists for this test alone."""
    made = [connect(**options) for _ in range(count)]
    root = harness.unique("kazoo")
    made[0].create(root)
    for client in made[1:]:
        fresh(client)
    try:
        yield (root, *made)
    finally:
        for client in made:
            close(client)
        sweeper = connect()
        with contextlib.suppress(Exception):
            sweeper.delete(root, recursive=True)
        close(sweeper)


def spawn(function, *args, **kwargs):
    """Runs a call that may block in a thread of its own; returns its future."""
    future = concurrent.futures.Future()

    def body():
        try:
            future.set_result(function(*args, **kwargs))
        except BaseException as error:  # handed to whoever asks the future
            future.set_exception(error)

    threading.Thread(target=body, daemon=True).start()
    return future


class Record(list):
    """A list that threads append to and a test waits on."""

    def watcher(self, event):
        """A watch callback that appends (type, path)."""
        self.append((event.type, event.path))

    def wait_len(self, count, what="events"):
        """Waits until at least `count` things are there and returns all."""
        harness.eventually(lambda: len(self) >= count, "%d %s; there are %r" % (count, what, list(self)))
        return list(self)
