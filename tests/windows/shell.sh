#!/bin/bash
# shell.sh [SQLITE3.EXE LIBRARY.DLL LIBRARY]: the scripts of scripts.py, typed into the sqlite3 shell on Windows, answer
# what they should, and a COMMIT of the shell that is killed is there as a whole or not at all.
set -euo pipefail

[ $# -gt 0 ] || exec tests/windows/run.sh
# All in one wine: a tag is shared there.
[ -n "${WINE:-}" ] || exec tests/windows/run.sh "$0" "$@"

shell=$(realpath "$1") dll=$(realpath "$2") library=$(realpath "$3")
scripts=${TEST_TMPDIR:-$(mktemp -d)}/scripts
tests/windows/scripts.py "$scripts" "$library"

type_in() {
  "$WINE" ./sqlite3.exe -init NUL -batch :memory: 2>&1 | tr -d '\r'
}

check() {
  cmp -s expected got || { printf 'FAILED: %s: \n' "$PWD" && diff -a expected got; exit 1; }
}

# Kills a COMMIT as soon as its journal is there, or $1 seconds later. Was there a journal then?
kill_commit() {
  rm -f f*
  head -c 8M /dev/zero | tr '\0' a >f
  "$WINE" ./sqlite3.exe -init NUL -batch :memory: <commit.sql >/dev/null 2>&1 &
  local writer=$!
  while [ ! -e f-mmap-journal ] && kill -0 "$writer" 2>/dev/null; do sleep 0.001; done
  sleep "$1"
  kill -9 "$writer" 2>/dev/null || true
  wait "$writer" 2>/dev/null || true
  [ -e f-mmap-journal ]
}

for script in "$scripts"/*; do
  cd "$script"
  cp "$shell" sqlite3.exe
  cp "$dll" mmap0.dll
  [ -e script.sql ] || continue
  type_in <script.sql >got
  check
  echo "${script##*/}: $(wc -l <got) lines, as they should be"
done

cd "$scripts/killed"
left=0
for seconds in 0 0.01 0.05; do
  if kill_commit "$seconds"; then left=$((left + 1)); fi
  type_in <look.sql >got
  check
done
[ "$left" -gt 0 ] || { echo 'FAILED: no COMMIT was killed while it had a journal'; exit 1; }
echo "killed: $left of 3 left a journal, and all are whole"
