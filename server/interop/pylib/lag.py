"""A relay between two members of an ensemble that keeps back what passes: usage: lag.py PORT TARGET-PORT MILLISECONDS.

Every connection has a delay of its own, between a tenth of the given time and all of it. So members get to know of a
commit one after the other, and a test that takes one member's answer for what all of them know fails for certain.
"""

import queue
import random
import socket
import sys
import threading
import time


def pump(source, sink, delay):
    """Copies in one direction, each piece `delay` seconds after it came."""
    pieces = queue.Queue()

    def deliver():
        pause = threading.Event()
        while True:
            due, piece = pieces.get()
            pause.wait(max(0, due - time.monotonic()))
            try:
                sink.sendall(piece)
            except OSError:
                piece = b""
            if not piece:
                break
        for sock in (source, sink):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    threading.Thread(target=deliver, daemon=True).start()
    piece = b"-"
    while piece:
        try:
            piece = source.recv(65536)
        except OSError:
            piece = b""
        pieces.put((time.monotonic() + delay, piece))


def main():
    port, target, most = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) / 1000
    listener = socket.create_server(("127.0.0.1", port))
    while True:
        caller, _ = listener.accept()
        try:
            member = socket.create_connection(("127.0.0.1", target))
        except OSError:
            caller.close()
            continue
        delay = random.uniform(most / 10, most)
        for ends in ((caller, member), (member, caller)):
            ends[0].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=pump, args=(*ends, delay), daemon=True).start()


main()
