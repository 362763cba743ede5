#!/bin/bash
# session.sh [SQLITE3.EXE LIBRARY]: README's session, typed into the sqlite3 shell on Windows.
set -eu

[ $# -gt 0 ] || exec tests/windows/run.sh

tests/clients/documents.py --shell "$PWD/tests/windows/run.sh $(realpath "$1")" "$2" README.md
