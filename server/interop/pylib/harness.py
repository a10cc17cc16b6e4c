"""A small test runner for the suites that are written in Python.

A test is a function under the decorator `test`. Tests run a few at a time, because most of them wait; each gets a path
of its own, so they can't disturb one another. A test that overruns its time counts as failed and is left behind.
"""

import os
import queue
import random
import sys
import threading
import time
import traceback

# The connection string; in an ensemble it names every member. Tests that need one server take MEMBER.
SERVER = os.environ.get("INTEROP_SERVER", "127.0.0.1:2181")
MEMBER = os.environ.get("INTEROP_MEMBER", SERVER.split(",")[0])
BOUNDED = os.environ.get("INTEROP_BOUNDED") == "1"
LACK = set(filter(None, os.environ.get("INTEROP_LACK", "").split(",")))
CHAOS = os.environ.get("INTEROP_CHAOS") == "1"
# How long a test of chaos works; the leader is killed every few seconds.
CHAOS_SECONDS = int(os.environ.get("INTEROP_CHAOS_SECONDS", "12" if BOUNDED else "25"))
TEST_SECONDS_MAX = 90

_tests = []


class Skip(Exception):
    """Raised by a test that can't run here; its text is the reason."""


def test(*, needs=(), slow=False):
    """Registers a test. `needs` names server features (see README.md); a slow test is left out with --bounded."""

    def register(function):
        if not CHAOS:
            _tests.append((function, tuple(needs), slow))
        return function

    return register


def chaos(function):
    """Registers a test for --chaos, which runs no others."""
    if CHAOS:
        _tests.append((function, (), False))
    return function


def unique(prefix):
    """A path directly below / that no other test and no earlier run has used."""
    return "/%s-%012x" % (prefix, random.SystemRandom().getrandbits(48))


def eventually(condition, what, seconds=30):
    """Polls until condition() is true and returns its value; fails with `what` when that takes too long."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("not within %d s: %s" % (seconds, what))
        pause.wait(0.02)


def equal(got, want, what="value"):
    """Asserts equality with a message that shows both sides."""
    if got != want:
        raise AssertionError("%s: got %r, want %r" % (what, got, want))


def raises(kind, call, *args, **kwargs):
    """Asserts that a call raises an exception of exactly this class (or one of a tuple) and returns it."""
    try:
        value = call(*args, **kwargs)
    except Exception as error:  # the class is what we test
        if isinstance(error, kind):
            return error
        raise AssertionError("raised %r, want %r" % (error, kind)) from error
    raise AssertionError("returned %r, want %r raised" % (value, kind))


def _reason_to_skip(needs, slow):
    lacking = sorted(LACK.intersection(needs))
    if lacking:
        return "the server lacks " + ", ".join(lacking)
    if slow and BOUNDED:
        return "slow, and the run is bounded"
    return None


def _run_one(function):
    """Runs one test in a thread of its own; returns None or the text of its failure."""
    outcome = []

    def body():
        try:
            function()
            outcome.append(None)
        except Skip as skip:
            outcome.append(skip)
        except BaseException:  # whatever a test throws is its failure
            outcome.append(traceback.format_exc())

    thread = threading.Thread(target=body, name=function.__name__, daemon=True)
    thread.start()
    thread.join(TEST_SECONDS_MAX)
    if outcome:
        return outcome[0]
    frame = sys._current_frames().get(thread.ident)
    return "still running after %d s:\n%s" % (TEST_SECONDS_MAX, "".join(traceback.format_stack(frame)))


def run(suite, parallel=4):
    """Runs all registered tests, prints a line each and the counts, and ends the process."""
    only = sys.argv[1:]
    jobs = queue.Queue()
    for entry in _tests:
        if not only or any(word in entry[0].__name__ for word in only):
            jobs.put(entry)
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    lock = threading.Lock()

    def report(kind, line):
        with lock:
            counts[kind] += 1
            print(line, flush=True)

    def worker():
        while True:
            try:
                function, needs, slow = jobs.get_nowait()
            except queue.Empty:
                return
            name = function.__name__
            reason = _reason_to_skip(needs, slow)
            if reason:
                report("skipped", "skip %s: %s" % (name, reason))
                continue
            begun = time.monotonic()
            failure = _run_one(function)
            if failure is None:
                report("passed", "ok %s (%.1f s)" % (name, time.monotonic() - begun))
            elif isinstance(failure, Skip):
                report("skipped", "skip %s: %s" % (name, failure))
            else:
                report("failed", "FAIL %s: after %.1f s: %s" % (name, time.monotonic() - begun, failure))

    workers = [threading.Thread(target=worker) for _ in range(parallel)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    print("%s: %d passed, %d failed, %d skipped" % (suite, counts["passed"], counts["failed"], counts["skipped"]), flush=True)
    os._exit(1 if counts["failed"] or not counts["passed"] else 0)
