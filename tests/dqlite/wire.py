"""As much of dqlite's wire protocol as the test needs: integers of 8 bytes, little-endian; texts padded to 8.

A message is its length in words of 8 bytes, its type and its version, in 8 bytes together, and its body.
"""

import socket
import struct

LEADER, CLIENT, OPEN, EXEC_SQL, QUERY_SQL, ADD, ASSIGN = 0, 1, 3, 8, 9, 12, 13
FAILURE, SERVER, DB, ROWS, RESULT = 0, 1, 4, 7, 6
VERSION = 1
INTEGER, FLOAT, TEXT, BLOB, NULL = 1, 2, 3, 4, 5
DONE, PART = 0xFF, 0xEE


class Error(Exception):
    """What a node answers instead."""


def number(n):
    return struct.pack("<Q", n)


def text(value):
    data = value.encode() + b"\0"
    return data + bytes(-len(data) % 8)


class Reader:
    """A body, read from its start."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self):
        self.at += 8
        return struct.unpack_from("<Q", self.data, self.at - 8)[0]

    def text(self):
        end = self.data.index(b"\0", self.at)
        found = self.data[self.at:end].decode()
        self.at += (end + 1 - self.at + 7) // 8 * 8
        return found

    def value(self, kind):
        if kind == INTEGER:
            n = self.number()
            return n - (1 << 64) if n >> 63 else n
        if kind == FLOAT:
            return struct.unpack("<d", number(self.number()))[0]
        if kind == TEXT:
            return self.text()
        if kind == NULL:
            self.number()
            return None
        size = self.number()
        self.at += (size + 7) // 8 * 8
        return self.data[self.at - (size + 7) // 8 * 8:][:size]


class Connection:
    """One to a node; with `database` that is open on it."""

    def __init__(self, address, database=None):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self.socket.sendall(number(VERSION))
        self.database = None
        if database:
            self.call(CLIENT, number(1))
            self.database = self.call(OPEN, text(database) + number(0) + text("volatile"))[1].number() & 0xFFFFFFFF

    def close(self):
        self.socket.close()

    def receive(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise ConnectionError("the node is gone")
            data += more
        return data

    def answer(self):
        words, kind, _, _ = struct.unpack("<IBBH", self.receive(8))
        body = Reader(self.receive(8 * words))
        if kind == FAILURE:
            code = body.number()
            raise Error(f"{body.text()} ({code})")
        return kind, body

    def call(self, kind, body):
        self.socket.sendall(struct.pack("<IBBH", len(body) // 8, kind, 0, 0) + body)
        return self.answer()

    def leader(self):
        """The address of the leader, as this node knows it; "": of none."""
        _, body = self.call(LEADER, number(0))
        body.number()
        return body.text()

    def add(self, node, address):
        """Makes a node a voter, by the leader."""
        self.call(ADD, number(node) + text(address))
        self.call(ASSIGN, number(node) + number(0))

    def execute(self, sql):
        """The number of rows changed."""
        _, body = self.call(EXEC_SQL, number(self.database) + text(sql) + number(0))
        body.number()
        return body.number()

    def query(self, sql):
        kind, body = self.call(QUERY_SQL, number(self.database) + text(sql) + number(0))
        rows = []
        while True:
            assert kind == ROWS, kind
            columns = body.number()
            for _ in range(columns):
                body.text()
            while body.data[body.at] not in (DONE, PART):
                rows.append(self.row(body, columns))
            if body.data[body.at] == DONE:
                return rows
            kind, body = self.answer()

    @staticmethod
    def row(body, columns):
        size = ((columns + 1) // 2 + 7) // 8 * 8
        kinds = [(body.data[body.at + i // 2] >> (i % 2 * 4)) & 15 for i in range(columns)]
        body.at += size
        return tuple(body.value(kind) for kind in kinds)
