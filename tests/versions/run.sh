#!/bin/bash
# The tests of SQL in other versions of SQLite than the system's.
#
#     tests/versions/run.sh                  # all that are listed below
#     tests/versions/run.sh 3.31.1 3.54.1    # some of them
#     tests/versions/run.sh DIRECTORY        # one's own sqlite3.c
#
# It needs npm and the network: the sources of these versions are had as they lie in packages of npm's
# registry. What is fetched and built stays in ~/.cache/sqlite-mmap. Each version is one line at the end.
set -euo pipefail

# A version, and the package of npm that has its amalgamation.
packages='
3.30.1       sqlite3@4.1.1          is refused
3.31.1       sqlite3@4.2.0          the oldest that will do
3.35.2       better-sqlite3@7.4.0
3.38.5       better-sqlite3@7.5.3   the first with lists for virtual tables
3.54.1       better-sqlite3@13.2.0  the newest
3.54.1-bare  better-sqlite3@13.2.0  without threads, and without strings in double quotes
'

# As Debian builds it.
options='-DSQLITE_ENABLE_COLUMN_METADATA -DSQLITE_ENABLE_DBSTAT_VTAB -DSQLITE_ENABLE_FTS3
  -DSQLITE_ENABLE_FTS3_PARENTHESIS -DSQLITE_ENABLE_FTS4 -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_JSON1
  -DSQLITE_ENABLE_LOAD_EXTENSION -DSQLITE_ENABLE_MATH_FUNCTIONS -DSQLITE_ENABLE_PREUPDATE_HOOK
  -DSQLITE_ENABLE_RTREE -DSQLITE_ENABLE_SESSION -DSQLITE_ENABLE_STMTVTAB
  -DSQLITE_ENABLE_UNLOCK_NOTIFY -DSQLITE_LIKE_DOESNT_MATCH_BLOBS -DSQLITE_SECURE_DELETE
  -DSQLITE_USE_URI'
with_threads='-DSQLITE_THREADSAFE=1'
bare='-DSQLITE_THREADSAFE=0 -DSQLITE_DQS=0'

cd "$(dirname "$0")/../.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sqlite-mmap/versions

die() {
  printf 'run.sh: %s\n' "$*" >&2
  exit 1
}

listed() {
  awk 'NF { print $1 }' <<<"$packages"
}

package_of() {
  awk -v version="$1" '$1 == version { print $2 }' <<<"$packages"
}

# Unpacks the package of a version, and what is packed inside it, into a directory.
fetch() {
  local version=$1 to=$2 package
  package=$(package_of "$version")
  [ -n "$package" ] || die "$version is none of: $(listed | tr '\n' ' ')"
  command -v npm >/dev/null || die 'npm is needed: apt-get install npm'
  (cd "$to" && npm pack --silent "$package" >/dev/null) || die "npm has no $package for us"
  tar -xzf "$to"/*.tgz -C "$to"
  find "$to/package/deps" -name '*.tar.gz' -execdir tar -xzf {} \;
}

# The directory of a version's libsqlite3.so.0, made at its first use.
library_of() {
  local version=$1 made=$cache/$1 source work flags=$with_threads
  case $version in *-bare) flags=$bare ;; esac
  if [ ! -e "$made/libsqlite3.so.0" ]; then
    work=$(mktemp -d)
    if [ -d "$version" ]; then
      made=$work source=$version/sqlite3.c
    else
      fetch "$version" "$work"
      source=$(find "$work" -name sqlite3.c)
    fi
    mkdir -p "$made"
    # shellcheck disable=SC2086 # words
    cc -O1 -w -fPIC -shared $options $flags "$source" -o "$made/new" \
      -Wl,-soname,libsqlite3.so.0 -ldl -lpthread -lm
    mv "$made/new" "$made/libsqlite3.so.0"
    [ "$made" = "$work" ] || rm -rf "$work"
  fi
  printf '%s\n' "$made"
}

# What the library itself says that it is.
number_of() {
  python3 -c 'import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
library.sqlite3_libversion.restype = ctypes.c_char_p
print(library.sqlite3_libversion().decode())' "$1/libsqlite3.so.0"
}

# Is it older than 3.31, which is refused?
is_too_old() {
  [ "$(printf '%s\n' "$1" 3.31 | sort -V | head -1)" = "$1" ]
}

# The tests of SQL; of one that is too old, that it is refused.
run() {
  local directory number log counts tests=sql status=0
  results+=("$1: could not be had")
  directory=$(library_of "$1") && number=$(number_of "$directory") || return 1
  is_too_old "$number" && tests=host
  log=$(mktemp)
  ./bazelw test --build_tests_only --test_tag_filters="$tests" \
    --test_env="LD_LIBRARY_PATH=$directory" \
    --test_env="MM_SQLITE=$number" --nocache_test_results //tests:all >"$log" 2>&1 || status=$?
  [ "$status" = 0 ] || cat "$log"
  counts=$(python3 .ci/count.py "$log" bazel-testlogs "$status" | tail -1)
  results[-1]="$1: $counts"
  rm -f "$log"
  return "$status"
}

[ $# -gt 0 ] && [ "$1" != all ] || mapfile -t -- everything < <(listed)
[ -z "${everything:-}" ] || set -- "${everything[@]}"
results=() failed=0
for version in "$@"; do
  run "$version" || failed=1
done
printf '%s\n' "${results[@]}"
exit "$failed"
