"""Drives zkCli.sh: one command by its arguments, or many through its standard input."""

import itertools
import os
import re
import subprocess
import threading
import time

import harness

ZKCLI = os.environ.get("INTEROP_ZKCLI", "/usr/share/zookeeper/bin/zkCli.sh")
REPLY_SECONDS_MAX = 40

# A standalone server where reconfiguration is off (the default) says so; one where it is on can't do it alone.
RECONFIG_REFUSALS = (["KeeperErrorCode = Reconfig is disabled"], ["KeeperErrorCode = Unimplemented"])

# What the JVM and the start of the shell print around the answer.
_CHATTER = re.compile(r"^(SLF4J: .*|Connecting to .*|Welcome to ZooKeeper!|JLine support is disabled|)$")


def _environment():
    environment = dict(os.environ)
    # The smallest JVM that runs a shell; the default heap would be a quarter of the machine's memory.
    environment["CLIENT_JVMFLAGS"] = "-Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
    return environment


MEMBERS = harness.SERVER.split(",")


def oneshot(*words, server=None):
    """Runs `zkCli.sh -server S words…`; returns (exit code, lines of both outputs without the chatter)."""
    done = subprocess.run(
        [ZKCLI, "-server", server or harness.SERVER, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=_environment(),
        timeout=REPLY_SECONDS_MAX,
        text=True,
    )
    lines = [line for line in done.stdout.splitlines() if not _CHATTER.match(line)]
    return done.returncode, [line for line in lines if not line.startswith("WATCHER::") and "type:None" not in line]


class Shell:
    """An interactive zkCli.sh on pipes.

    Without a terminal it shows no prompt. So after every command we send a word that it does not know: it answers
    with its usage and that word, and all that came before belongs to the command.
    """

    def __init__(self, server=None):
        self._process = subprocess.Popen(
            [ZKCLI, "-server", server or harness.SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_environment(),
            text=True,
        )
        self._lines = []
        self._ended = False
        self._news = threading.Condition()
        self._numbers = itertools.count()
        threading.Thread(target=self._read, daemon=True).start()
        self.wait_for(r"state:SyncConnected type:None")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def _read(self):
        for line in self._process.stdout:
            with self._news:
                self._lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def wait_for(self, pattern, seconds=REPLY_SECONDS_MAX):
        """Waits for a line that matches; returns the lines before it and the line itself, and forgets them all."""
        deadline = time.monotonic() + seconds
        with self._news:
            while True:
                for index, line in enumerate(self._lines):
                    if re.search(pattern, line):
                        seen, self._lines = self._lines[: index + 1], self._lines[index + 1 :]
                        return seen
                left = deadline - time.monotonic()
                if left <= 0 or self._ended:
                    raise AssertionError("no line like %r came; there were %r" % (pattern, self._lines))
                self._news.wait(left)

    def type(self, line):
        """Sends a line and does not wait."""
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def do(self, line):
        """Sends a command and returns the lines of its answer, watch events among them."""
        marker = "end-of-answer-%d" % next(self._numbers)
        self.type(line)
        self.type(marker)
        seen = self.wait_for("Command not found " + marker)
        for index, text in enumerate(seen):
            if text.startswith("ZooKeeper -server host:port"):
                seen = seen[:index]
                break
        return [text for text in seen if not _CHATTER.match(text)]

    def fresh(self):
        """The shell, which now sees all that anybody was told to be done: its server may know it later than others."""
        harness.equal(self.do("sync /"), ["Sync is OK"], "sync")
        return self

    def quit(self):
        """Sends quit, which closes the session, and waits for the end of the shell.

        Its exit code says nothing here: it is that of the last command, the word that the shell does not know.
        """
        self.type("quit")
        self._process.stdin.close()
        self._process.wait(REPLY_SECONDS_MAX)


def stat_of(lines):
    """Reads `key = value` lines into a dict."""
    return dict(line.split(" = ", 1) for line in lines if " = " in line)


def listing(line):
    """Reads `[a, b, c]` into a sorted list."""
    if not (line.startswith("[") and line.endswith("]")):
        raise AssertionError("not a list: %r" % line)
    return sorted(filter(None, line[1:-1].split(", ")))


def events_of(lines):
    """The (type, path) pairs of the watch events among the lines."""
    found = [re.search(r"WatchedEvent state:\w+ type:(\w+) path:(\S+)", line) for line in lines]
    return [(match.group(1), match.group(2)) for match in found if match]
