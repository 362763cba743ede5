#!/bin/bash
# run.sh PROGRAM [ARGUMENT...]: a program of Windows under wine, without a display, or any other, which can start such
# by $WINE. The prefix that is made at the first use takes 700 MB and 5 seconds, and is thrown away by removing it.
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
export LC_ALL=C.UTF-8 # the encoding of names
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

# The same prefix under a name of its own has a server of its own, as Bazel ends all that a test has started: another
# test that has come to its server would wait for ever. The registry is copied, the system is not.
own_prefix() {
  own=$(mktemp -d)
  trap 'rm -rf "$own"' EXIT
  mkdir -p "$own/drive_c/users/$(id -un)/Temp"
  find "$WINEPREFIX" -mindepth 1 -maxdepth 1 ! -name drive_c -exec cp -a -t "$own" {} +
  find "$WINEPREFIX/drive_c" -mindepth 1 -maxdepth 1 ! -name users -exec ln -s -t "$own/drive_c" {} +
  export WINEPREFIX=$own
}

own_prefix
# A start takes a third of the time without wineboot, which looks whether the prefix is up to date, and the services that
# it starts: nothing here asks for them.
WINEDLLOVERRIDES="$WINEDLLOVERRIDES;services.exe,wineboot.exe="
# wine's system calls take ten times as long: what tests do at random, or for each of very many cases, is done less often.
export MMAP_TEST_SEEDS=${MMAP_TEST_SEEDS:-0.2} MM_THIN=${MM_THIN:-11}
export WINE=/usr/lib/wine/wine64
case $1 in *.exe) set -- "$WINE" "$@" ;; esac
status=0
"$@" || status=$?
$WINESERVER -k || true
exit $status
