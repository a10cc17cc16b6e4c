"""A TCP proxy on the loopback interface that can break connections, to see how clients and the server survive it."""

import socket
import threading


class Proxy:
    """Forwards every connection to `target` ("host:port") until told to break or to refuse them."""

    def __init__(self, target):
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._open = []
        self._refusing = False
        self._flowing = threading.Event()
        self._flowing.set()
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.refuse()
        self._listener.close()

    def drop(self):
        """Breaks all open connections, without a word to either side; new ones are welcome."""
        with self._lock:
            doomed, self._open = self._open, []
        for sock in doomed:
            _shut(sock)
        self._flowing.set()

    def hold(self):
        """Keeps back all bytes of both sides until `drop`, `refuse` or `release`."""
        self._flowing.clear()

    def release(self):
        """Ends `hold`: what was kept back goes on its way."""
        self._flowing.set()

    def refuse(self):
        """Breaks all open connections and every new one, until `allow`."""
        with self._lock:
            self._refusing = True
        self.drop()

    def allow(self):
        """Ends `refuse`."""
        with self._lock:
            self._refusing = False

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._target)
            except OSError:
                _shut(client)
                continue
            with self._lock:
                refused = self._refusing
                if not refused:
                    self._open += [client, server]
            if refused:
                _shut(client)
                _shut(server)
                continue
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source, sink):
        try:
            while chunk := source.recv(65536):
                self._flowing.wait()
                sink.sendall(chunk)
        except OSError:
            pass
        _shut(source)
        _shut(sink)


def _shut(sock):
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    sock.close()
