#!/bin/bash
# run.sh PROGRAM [ARGUMENT...]: a program of Windows under wine, without a display, in the one prefix that all
# tests share: it is made at the first use, takes 700 MB and 5 seconds, and is thrown away by removing it.
# Without a PROGRAM it says why there is none.
set -eu

if [ $# = 0 ]; then
  echo "not tried: ./bazelw test //tests/windows/... installs wine and a compiler for Windows"
  exit 0
fi

home=$(getent passwd "$(id -u)" | cut -d: -f6) # Bazel gives its tests no HOME
cache=${XDG_CACHE_HOME:-$home/.cache}/sqlite-mmap/windows
export WINEPREFIX=$cache/prefix WINESERVER=/usr/lib/wine/wineserver64 WINEDEBUG=-all
export HOME=$cache WINEDLLOVERRIDES='mscoree,mshtml,winemenubuilder.exe='
unset DISPLAY XML_OUTPUT_FILE # the name of the second may be longer than wine takes

# Whole or not at all: the first who needs it makes it, and others wait.
make_prefix() {
  rm -rf "$WINEPREFIX"
  /usr/lib/wine/wine64 wineboot --init >/dev/null 2>&1 && $WINESERVER -w && touch "$WINEPREFIX/done"
}

mkdir -p "$cache"
if [ ! -e "$WINEPREFIX/done" ]; then
  exec 9>"$cache/lock"
  flock 9
  [ -e "$WINEPREFIX/done" ] || make_prefix || { echo 'run.sh: wine made no prefix'; exit 1; }
  exec 9>&-
fi
exec /usr/lib/wine/wine64 "$@"
