#!/bin/bash
# Compiles core and the SQLite side for the fuzzers, with libFuzzer's, ASAN's and UBSAN's instructions
# in them: build.sh DIRECTORY, from the workspace root. It makes there, from what has changed,
#
#     mmap.a          core and ext, the latter as a part of the program: SQLite calls it directly
#     search_small.o  core/search/search.c that goes in steps of a few bytes, not of 64 KiB, and soon takes
#                     its slow way: small inputs come to every border
set -eu

out=$1
flags="-std=c11 -D_GNU_SOURCE -DSQLITE_CORE -gline-tables-only -O1 -I. -fno-omit-frame-pointer
  -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all"
sources=$(find core ext -name '*.c' ! -name '*_windows.c' | sort)
for source in $sources; do mkdir -p "$out/${source%/*}"; done
exec 9>"$out/lock"
flock 9

# The constants of core/search/search.c, and what they are here.
small='
LIGHT_WORK 200
ONE_WORK 1000
SIGHT 2
SIGHT_ONE 4
SIGHT_MOST 8
ENOUGH 5
STARTS_MOST 8
STARTS_FIRST 3
GLANCES 3
CROWD 3
'
cp core/search/search.c "$out/search_small.c.new"
while read -r name value; do
  [ -n "$name" ] || continue
  grep -q "^#define $name " core/search/search.c || {
    echo "build.sh: core/search/search.c has no constant $name any more" >&2
    exit 1
  }
  case $name in GLANCES | CROWD) value=${value}u ;; *) value="((uint64_t)$value)" ;; esac
  sed -i "s/^#define $name .*/#define $name $value/" "$out/search_small.c.new"
done <<<"$small"
cmp -s "$out/search_small.c.new" "$out/search_small.c" || cp "$out/search_small.c.new" "$out/search_small.c"
rm "$out/search_small.c.new"

# Everything, if a header is newer than what was made last.
[ ! -e "$out/mmap.a" ] || [ -z "$(find core ext -name '*.h' -newer "$out/mmap.a" 2>/dev/null)" ] ||
  find "$out" -name '*.[ao]' -delete

for source in $sources "$out/search_small.c"; do
  object=${source%.c}.o
  case $source in "$out"/*) ;; *) object=$out/$object ;; esac
  [ "$object" -nt "$source" ] || printf '%s\0%s\0' "$source" "$object"
done | xargs -0 -r -n 2 -P 2 sh -c "exec clang-14 $(echo $flags) -c \"\$0\" -o \"\$1\""
rm -f "$out/mmap.a"
for source in $sources; do echo "$out/${source%.c}.o"; done | xargs ar qcs "$out/mmap.a"
