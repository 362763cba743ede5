#!/bin/sh
# fetch.sh DIRECTORY: the sources of what is linked in for Windows and musl, from Debian's source packages, as directories
# of DIRECTORY under their names there: 33 MB are fetched. Of SQLite it is the one C file that its own sources
# are made into, its headers and its shell; of OpenSSL some hash functions, and its headers, which are made too.
# Each is there whole or not at all. bazelw runs this when something for them is asked for.
set -eu

# bazelw looks for the last of them.
names='pcre2 libdeflate sqlite3 openssl libb2 xxhash'

die() {
  printf 'fetch.sh: %s\n' "$*" >&2
  exit 1
}

# Sets `missing` to the names of those that $1 does not have.
find_missing() {
  missing=
  for name in $names; do
    [ -e "$1/$name" ] || missing="$missing $name"
  done
}

# Unpacks the source package $1 into $1's directory, without Debian's changes.
unpack() {
  mkdir "$1"
  tar -x --strip-components=1 -C "$1" -f "$(ls "$1"_*.orig.tar.?z)"
}

# Of the directory $1 the files and directories that are named behind it remain.
keep() {
  local name=$1
  shift
  mv "$name" whole && mkdir "$name" && (cd whole && cp -r --parents "$@" "../$name") && rm -r whole
}

make_sqlite3() {
  (cd sqlite3 && ./configure --disable-tcl && make sqlite3.c shell.c) &&
    keep sqlite3 sqlite3.c sqlite3.h sqlite3ext.h shell.c
}

make_openssl() {
  (cd openssl && perl Configure mingw64 no-asm && make $(find include -name '*.h.in' | sed 's/\.in$//')) &&
    keep openssl crypto/md5 crypto/sha crypto/mem_clr.c include
}

# What its configure would write there, sources.BUILD says.
make_libb2() {
  : >libb2/src/config.h
}

[ $# = 1 ] || die 'DIRECTORY is missing'
find_missing "$1"
[ -n "$missing" ] || exit 0
. "$(dirname "$0")/../debian.sh"
mkdir -p "$1"
cache=$(mktemp -d "$1.XXXXXX")
trap 'rm -rf "$cache"' EXIT
lists deb-src amd64
cd "$cache"
apt source --download-only $missing
for name in $missing; do
  unpack $name
  case $name in
    sqlite3|openssl|libb2) make_$name >log 2>&1 || die "$name: $(tail -3 log)" ;;
  esac
  # Another may have been faster.
  mv -T $name "$1/$name" 2>/dev/null || [ -e "$1/$name" ]
done
