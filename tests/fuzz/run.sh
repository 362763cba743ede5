#!/bin/bash
# Runs a fuzzer (libFuzzer, ASAN and UBSAN): run.sh NAME [SECONDS [OPTION …]], for NAME_fuzz.cc, from the
# workspace root. `bazelw test` runs each for some seconds; for longer, by hand:
#
#     tests/fuzz/run.sh journal 600
#
# It begins with seeds/NAME, which is small and written by hand. By hand it also keeps what it compiled,
# and the inputs that it found worth keeping or that failed, in $MMAP_FUZZ_HOME, /tmp/mmap-fuzz-USER if
# that is not set, and goes on from there. OPTION is libFuzzer's; a file's name runs that input alone.
set -eu

name=$1
seconds=${2:-20}
[ $# -lt 2 ] && shift || shift 2
out=$(mktemp -d "${TEST_TMPDIR:-/tmp}/fuzz.XXXXXX")
trap 'rm -rf "$out"' EXIT
built=tests/fuzz
kept=$out
if [ ! -e "$built/mmap.a" ]; then
  kept=${MMAP_FUZZ_HOME:-/tmp/mmap-fuzz-$(id -un)}
  built=$kept/built
  mkdir -p -m 700 "$kept"
  [ -O "$kept" ] || exit 1
  tests/fuzz/build.sh "$built"
fi

# What the longest input is.
case $name in
  create | expr) most=300 ;;
  hex | regex) most=200 ;;
  sql | raw_sql) most=600 ;;
  *) most=2000 ;;
esac
case $name in
  hex | regex) objects=$built/search_small.o ;;
  *) objects= ;;
esac
flags="-std=c++17 -Wall -Wextra -gline-tables-only -O1 -I. -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all"
clang++-14 $flags "tests/fuzz/${name}_fuzz.cc" $objects "$built/mmap.a" -o "$out/fuzz" -lsqlite3 \
  -l:libpcre2-8.a -l:libdeflate.a -l:libcrypto.a -l:libb2.a -lpthread

corpus=$kept/corpus/$name
mkdir -p "$corpus"
[ $# -gt 0 ] || set -- "$corpus" "$PWD/tests/fuzz/seeds/$name"
# The fuzzers make their files in TMPDIR. SQLite gets no memory where there is too much asked for.
export TMPDIR=$out ASAN_OPTIONS="allocator_may_return_null=1:${ASAN_OPTIONS:-}"
"$out/fuzz" -max_len="$most" -max_total_time="$seconds" -timeout=60 -print_final_stats=1 \
  -artifact_prefix="${TEST_UNDECLARED_OUTPUTS_DIR:-$kept}/" "$@" >"$out/log" 2>&1 || {
  grep -v '^#' "$out/log" | tail -n 100
  exit 1
}
tail -n 12 "$out/log"
