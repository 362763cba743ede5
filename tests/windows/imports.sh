#!/bin/bash
# imports.sh [LIBRARY]: mmap0.dll needs libraries that are a part of Windows and no other, and shows its entry
# points and nothing else.
set -eu

[ $# -gt 0 ] || exec tests/windows/run.sh

objdump=/usr/bin/x86_64-w64-mingw32-objdump
needed=$($objdump -p "$1" | sed -n 's/^\tDLL Name: //p' | tr '[:upper:]' '[:lower:]' | sort)
shown=$($objdump -p "$1" | sed -n 's/^\t\[ *[0-9]*\] \([a-z_0-9]*\)$/\1/p' | sort)

check() {
  [ "$2" = "$3" ] || { printf 'FAILED: %s:\n%s\n--- but should be:\n%s\n' "$1" "$2" "$3"; exit 1; }
}

check needs "$needed" "$(printf '%s\n' advapi32.dll bcrypt.dll kernel32.dll msvcrt.dll ntdll.dll)"
check shows "$shown" "$(printf 'sqlite3_%s_init\n' mmap0 mmap mmap_readonly mmapro)"
echo "needs $(echo $needed)"
