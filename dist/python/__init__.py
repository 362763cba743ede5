"""Files as tables of SQLite: read, searched and patched in transactions, without an import.

    import sqlite3, sqlite_mmap

    db = sqlite3.connect(":memory:")
    sqlite_mmap.load(db)
    db.execute("SELECT text FROM mmap_lines('/etc/services') LIMIT 1").fetchall()

A write inside `with db:` is undone where the block fails only if a transaction has begun: sqlite3 begins one before
INSERT, UPDATE and DELETE, and not before a SELECT that writes. Say BEGIN first.
"""

import os
import sqlite3
import sys

__all__ = ["load", "loadable_path"]


def loadable_path(readonly: bool = False) -> str:
    """The path of the library, for whoever loads it otherwise; of the one that only reads, if `readonly`."""
    name = "mmapro" if readonly else "mmap0"
    suffix = ".dll" if sys.platform == "win32" else ".so"
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), name + suffix)


def load(conn: sqlite3.Connection, readonly: bool = False) -> None:
    """Give `conn` all functions and tables; those that only read, if `readonly`.

    Loading extensions is allowed for this one call. sqlite3.OperationalError says what is wrong.
    """
    if not hasattr(conn, "enable_load_extension"):
        raise sqlite3.OperationalError("this Python's sqlite3 cannot load extensions: it was built without "
                                       "--enable-loadable-sqlite-extensions")
    conn.enable_load_extension(True)
    try:
        conn.load_extension(loadable_path(readonly))
    finally:
        conn.enable_load_extension(False)
