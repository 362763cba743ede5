#!/bin/sh
# `bazelw run //:install -- PREFIX`: puts the library, its header and its manual page below PREFIX, and says how it
# is loaded from there. DESTDIR goes in front of PREFIX, as in other installers. A relative PREFIX is one of your own directory.
set -eu

die() {
  printf 'install: %s\n' "$*" >&2
  exit 1
}

put() {
  mode=$1 source=$2 target=${DESTDIR:-}$prefix/$3
  # install(1) makes the directories, and replaces a library that is in use instead of writing into it.
  # The system's: tests have "." in their PATH, and there is another one of that name.
  command -p install -D -m "$mode" "$source" "$target" || die "cannot write $target"
  printf '%s\n' "$target"
}

[ $# = 1 ] && [ -n "$1" ] || die 'usage: ./bazelw run //:install -- PREFIX   (for instance /usr/local)'
prefix=${1%/}
case $prefix in
  -*) die "PREFIX is a directory, not $1" ;;
  /* | '') ;;
  *) prefix=${BAZELW_DIRECTORY:-${BUILD_WORKING_DIRECTORY:-$PWD}}/$prefix ;;
esac
put 755 ext/mmap0.so lib/mmap0.so
put 755 ext/mmapro.so lib/mmapro.so
put 644 ext/mmap0.pc lib/pkgconfig/mmap0.pc
put 644 ext/mmap0.h include/mmap0.h
put 644 mmap0.3 share/man/man3/mmap0.3
printf '\nIn the sqlite3 shell, or as a line of ~/.sqliterc:\n.load %s\n' "$prefix/lib/mmap0"
