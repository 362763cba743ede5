#!/bin/sh
# Text tables beside SQLite's own csv extension: tests/clients/lines_twin.py, and a peer for the benchmark.
#
#     tests/versions/csv.sh [LIBRARY]
#
# It needs the network: the extension's one C file comes from Debian's source package of SQLite, 10 MB. What
# is built of it stays in ~/.cache/sqlite-mmap/csv, where //tests:bench/report looks for it.
set -eu

die() {
  printf 'csv.sh: %s\n' "$*" >&2
  exit 1
}

# Leaves csv.so in $1, whole or not at all.
build() {
  mkdir -p "$1"
  cache=$(mktemp -d "$1/XXXXXX")
  trap 'rm -rf "$cache"' EXIT
  lists deb-src amd64
  (
    cd "$cache"
    apt source --download-only sqlite3
    tar -x --strip-components=3 --wildcards -f sqlite3_*.orig.tar.xz '*/ext/misc/csv.c'
    gcc -O2 -fPIC -shared -o csv.so csv.c
  )
  mv "$cache/csv.so" "$1/csv.so"
}

cd "$(dirname "$0")/../.."
. third_party/debian.sh
there=${XDG_CACHE_HOME:-$HOME/.cache}/sqlite-mmap/csv
[ -e "$there/csv.so" ] || build "$there"
if [ $# = 0 ]; then
  ./bazelw build //ext:mmap0.so
  set -- bazel-bin/ext/mmap0.so
fi
exec tests/clients/lines_twin.py "$1" "$there/csv.so"
