#!/usr/bin/python3
"""Three nodes of dqlite with the library: rows found in mapped files are replicated, the leader is killed, it goes on.

    cluster.py NODE [LIBRARY]          # NODE: the program of node.c
"""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import wire  # noqa: E402

NAMES = (1, 2, 3)


def free_addresses():
    """Ports that nobody has now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in NAMES]
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    return dict(zip(NAMES, addresses))


class Cluster:
    def __init__(self, program, library, directory):
        self.addresses = free_addresses()
        self.nodes = {}
        for name, address in self.addresses.items():
            home = os.path.join(directory, f"node{name}")
            os.mkdir(home)
            self.nodes[name] = subprocess.Popen([program, str(name), address, home, library],
                                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            assert self.nodes[name].stdout.readline() == b"started\n", name
        for name in NAMES[1:]:
            self.until(lambda name=name: self.leader().add(name, self.addresses[name]))

    def leader(self, database=None):
        """A connection to the leader, whoever that is by now."""
        for name, node in self.nodes.items():
            if node.poll() is None:
                asked = wire.Connection(self.addresses[name])
                address = asked.leader()
                asked.close()
                if address and self.nodes[self.name_of(address)].poll() is None:
                    return wire.Connection(address, database)
        raise ConnectionError("there is no leader")

    def name_of(self, address):
        return next(name for name, mine in self.addresses.items() if mine == address)

    @staticmethod
    def until(attempt, seconds=30):
        """The result of what may fail while nodes agree on a leader."""
        end = time.monotonic() + seconds
        while True:
            try:
                return attempt()
            except (OSError, wire.Error):
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def kill_leader(self):
        name = self.name_of(self.until(self.address_of_leader))
        self.nodes[name].send_signal(signal.SIGKILL)
        self.nodes[name].wait()
        return name

    def address_of_leader(self):
        connection = self.leader()
        host, port = connection.socket.getpeername()
        connection.close()
        return f"{host}:{port}"

    def stop(self):
        for node in self.nodes.values():
            node.stdin.close()
        for node in self.nodes.values():
            try:
                node.wait(10)
            except subprocess.TimeoutExpired:
                node.kill()
                node.wait()
            node.stdout.close()


def refuses(connection, sql, sentence):
    try:
        connection.query(sql)
    except wire.Error as error:
        assert sentence in str(error), error
    else:
        raise AssertionError(f"{sql} went well")


def documented():
    """docs/distributed.md has what is run here."""
    with open("docs/distributed.md", encoding="utf-8") as page, open("tests/dqlite/node.c", encoding="utf-8") as source:
        code = re.search(r"^```c\n(.*?)^```", page.read(), re.M | re.S)[1]
        assert code in source.read(), "docs/distributed.md shows other code"


FIND = ("INSERT INTO hit SELECT '{0}', offset, CAST(match AS TEXT)"
        " FROM mmap_search_all('{0}', '[0-9]+ errors?') WHERE true")


def main():
    documented()
    program = os.path.abspath(sys.argv[1])
    library = os.path.abspath(sys.argv[2] if len(sys.argv) > 2 else "ext/mmap0.so")
    with tempfile.TemporaryDirectory() as directory:
        logs = [os.path.join(directory, name) for name in ("one.log", "two.log")]
        for path, found in zip(logs, ("1 error, 22 errors", "333 errors")):
            with open(path, "w", encoding="utf-8") as file:
                file.write(found)
        cluster = Cluster(program, library, directory)
        try:
            db = cluster.until(lambda: cluster.leader("logs"))
            db.execute("CREATE TABLE hit(file TEXT, at INTEGER, text TEXT)")
            assert db.execute(FIND.format(logs[0])) == 2
            refuses(db, f"SELECT mmap_set('{logs[0]}', 0, 0)", "no such function: mmap_set")
            killed = cluster.kill_leader()
            # The rows are there though the file is gone: they were replicated, and not the statement.
            os.remove(logs[0])
            db = cluster.until(lambda: cluster.leader("logs"))
            rows = cluster.until(lambda: db.query("SELECT at, text FROM hit ORDER BY at"))
            assert rows == [(0, "1 error"), (9, "22 errors")], rows
            assert db.execute(FIND.format(logs[1])) == 1
            assert db.query("SELECT count(*), max(text) FROM hit") == [(3, "333 errors")]
            assert cluster.address_of_leader() != cluster.addresses[killed]
        finally:
            cluster.stop()
    print(f"three nodes, {killed} killed: ok")


main()
