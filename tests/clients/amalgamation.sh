#!/bin/bash
# The library as one C file, built by the very lines that docs/building.md shows, by gcc and by clang; and the
# program that docs/reference.md shows, with the library inside.
set -eu

sqlite() {
  sqlite3 -init /dev/null -batch :memory: "$@"
}

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

expect() {
  [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}

# Runs a line of the page's that begins with `cc`, by another compiler, with each warning an error.
build() {
  local compiler=$1 line=$2
  [ -n "$line" ] || fail 'docs/building.md shows no such line'
  line=${line#*cc }
  $compiler -Wall -Wextra -Werror $line || fail "$compiler $line"
}

# The names that a file defines for others, by nm's own options.
symbols() {
  nm --defined-only "$@" | awk '{ print $3 }' | sort | paste -sd ' '
}

# The first block of a kind in the reference.
block() {
  awk -v start="\`\`\`$1" '$0 == "```" { inside = 0 } inside { print } $0 == start && !n++ { inside = 1 }' \
    "$top/docs/reference.md"
}

top=$PWD
scratch=$(mktemp -d "${TEST_TMPDIR:-/tmp}/amalgamation.XXXXXX")
cp -L mmap0.c mmap0.h "$scratch/"
# As it says, without Bazel.
made=$(grep '^    python3 ext/amalgamate.py' docs/building.md)
mkdir "$scratch/by-hand"
${made% *} "$scratch/by-hand/mmap0.c" || fail "$made"
for name in mmap0.c mmap0.h; do
  cmp "$name" "$scratch/by-hand/$name" || fail "$made gives another $name"
done
cd "$scratch"
for line in "$made" "$(grep '^    cc .*-shared' "$top/docs/building.md")"; do
  grep -qxF "$line" "$top/README.md" || fail "README.md does not show: $line"
done
shared=$(grep '^    cc .*-shared' "$top/docs/building.md")
compiled=$(grep '^    cc .*-DSQLITE_CORE' "$top/docs/building.md")
linked=$(grep '^    cc program.c' "$top/docs/building.md")
entries=$(sed -n 's/^MMAP0_EXPORT int \([a-z0-9_]*\)(.*/\1/p' mmap0.h | sort | paste -sd ' ')
[ "$(wc -w <<<"$entries")" = 4 ] || fail "the header has other entry points: $entries"
block c >program.c
block text >expected

for compiler in gcc clang-14; do
  command -v $compiler >/dev/null || fail "$compiler is missing"
  rm -f mmap0.so mmap0.o program
  for line in "$compiled" "$shared"; do
    build $compiler "${line/-O2/-O0}"
  done
  build $compiler "$shared"
  # What is needed is named, and nothing is seen from outside but the entry points.
  expect 'the symbols' "$entries" "$(symbols -D mmap0.so)"
  "$top/tests/clients/symbols.sh" mmap0.so >/dev/null || fail 'an old system would not load it'
  expect 'a patch' '3|0' "$(sqlite '.load ./mmap0' "SELECT
    mmap_patch(h, 0, 'abc'), mmap_find(h, 'abc') FROM (SELECT mmap_open(NULL, NULL, 9) AS h)")"
  expect 'the fastest way to search' \
    "$(sqlite ".load $top/ext/mmap0.so" 'SELECT mmap_debug()' | sed 's/.*; find//')" \
    "$(sqlite '.load ./mmap0' 'SELECT mmap_debug()' | sed 's/.*; find//')"
  sqlite '.load ./mmap0 sqlite3_mmap_readonly_init' "SELECT mmap_length('mmap0.c')" >/dev/null
  # A program of one's own: with the system's library, and with SQLite inside as well.
  build $compiler "$compiled"
  # It may have any other name that the library has, too.
  expect 'the names of mmap0.o' "$entries" "$(symbols -g mmap0.o)"
  for with in "$linked" "${linked/-lsqlite3/-l:libsqlite3.a -lm}"; do
    build $compiler "$with"
    rm -f ./*.bin
    ./program >printed || fail "the program ended with $?"
    diff -u expected printed || fail 'the program printed something else'
  done
done
g++ -std=c++17 -Wall -Wextra -Werror -x c++ -fsyntax-only mmap0.h || fail 'the header is none for C++'
echo 'built and used'
