#!/bin/bash
# symbols.sh [[--alone] LIBRARY]: a library that is built here loads on systems that are much older: what it needs of
# glibc was there in 2.17, of 2012. With --alone, and that of Bazel, it needs no other library, either.
set -eu

newest=2.17
[ $# != 0 ] || set -- --alone ext/mmap0.so
library=${!#}

fail() {
  printf 'FAILED: %s needs %s\n' "$library" "$*" >&2
  exit 1
}

# Is a version newer than the newest that may be needed?
is_newer() {
  [ "$(printf '%s\n' "$1" $newest | sort -V | tail -1)" != $newest ]
}

needed=$(readelf -W --dyn-syms "$library" | sed -n 's/.* UND \(.*\)@GLIBC_\([0-9.]*\).*/\2 \1/p')
[ "$(wc -l <<<"$needed")" -gt 20 ] || fail 'next to nothing of glibc: that cannot be'
while read -r version name; do
  if is_newer "$version"; then fail "$name of glibc $version"; fi
done <<<"$needed"

# glibc has been in more than one file, and its linker is named after the machine.
others=$(readelf -W -d "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
  grep -vE '^(lib(c|m|dl|pthread)\.so\.[06]|ld(64|-linux[-a-z0-9_]*)\.so\.[0-9]|libdl\.so\.2)$' || true)
[ "$1" != --alone ] || [ -z "$others" ] || fail "also $others"
echo "needs glibc $newest and no more"
