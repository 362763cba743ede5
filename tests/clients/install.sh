#!/bin/sh
# What `bazelw run //:install` puts in place, and that it can be used from there.
set -eu

install=$PWD/ext/install.sh
scratch=$(mktemp -d "${TEST_TMPDIR:-/tmp}/install.XXXXXX")

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

expect() {
  [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}

refuses() {
  what=$1 sentence=$2
  shift 2
  ! said=$("$@" 2>&1) || fail "$what went well"
  case $said in
    *"$sentence"*) ;;
    *) fail "$what: $said" ;;
  esac
}

# Everything is in its place, as whoever installs has said.
DESTDIR='' "$install" "$scratch/usr" >"$scratch/said"
expect 'what it says' \
  "$(cd "$scratch/usr" && printf '%s\n' "$PWD"/lib/mmap0.so "$PWD"/lib/mmapro.so "$PWD"/lib/pkgconfig/mmap0.pc \
    "$PWD"/include/mmap0.h "$PWD"/share/man/man3/mmap0.3 '' \
    'In the sqlite3 shell, or as a line of ~/.sqliterc:' ".load $PWD/lib/mmap0")" \
  "$(cat "$scratch/said")"
expect 'the library' 1 \
  "$(sqlite3 -init /dev/null :memory: ".load $scratch/usr/lib/mmap0" \
    "SELECT mmap_length('$scratch/usr/lib/mmap0.so') > 0")"
expect 'the line that it says' 1 "$(printf '%s\n' "$(tail -1 "$scratch/said")" \
  "SELECT mmap_length('$scratch/usr/lib/mmap0.so') > 0;" | sqlite3 -init /dev/null)"
said=$(sqlite3 -init /dev/null :memory: ".load $scratch/usr/lib/mmapro" 'SELECT mmap_set(1, 1, 1)' 2>&1) &&
  fail 'by its name it writes'
case $said in *'no such function: mmap_set'*) ;; *) fail "by its name: $said" ;; esac
printf '#include <mmap0.h>\nint main(void) { return MMAP0_VERSION[0] == 0; }\n' >"$scratch/uses.c"
cc -Wall -Werror -I"$scratch/usr/include" -c "$scratch/uses.c" -o "$scratch/uses.o"
expect 'the version of the header' \
  "$(sqlite3 -init /dev/null :memory: ".load $scratch/usr/lib/mmap0" "SELECT mmap_version()")" \
  "$(sed -n 's/^#define MMAP0_VERSION "\(.*\)"/\1/p' "$scratch/usr/include/mmap0.h")"
grep -q '^\.TH MMAP0 3' "$scratch/usr/share/man/man3/mmap0.3" || fail 'no manual page'
if command -v groff >/dev/null; then
  expect "groff's warnings" '' \
    "$(groff -t -man -Tutf8 -ww -z "$scratch/usr/share/man/man3/mmap0.3" 2>&1)"
fi

# A second time, over the library that a program has open: that one keeps what it had.
DESTDIR='' "$install" "$scratch/usr" >/dev/null

# DESTDIR stands in front; a relative prefix is one of the caller's directory.
DESTDIR="$scratch/stage" "$install" /opt/mmap/ >/dev/null
[ -f "$scratch/stage/opt/mmap/lib/mmap0.so" ] || fail 'DESTDIR'
env -u BAZELW_DIRECTORY DESTDIR= BUILD_WORKING_DIRECTORY="$scratch" "$install" 'a b' >/dev/null
[ -f "$scratch/a b/include/mmap0.h" ] || fail 'a relative prefix'

# What it refuses.
refuses 'no prefix' 'usage: ' "$install"
refuses 'two prefixes' 'usage: ' "$install" /a /b
refuses 'an option' 'PREFIX is a directory, not --help' "$install" --help
refuses 'a file in the way' "cannot write $scratch/said/lib/mmap0.so" \
  env DESTDIR= "$install" "$scratch/said"
echo 'installed and used'
