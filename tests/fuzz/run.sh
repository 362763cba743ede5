#!/bin/bash
# Builds a fuzzer with libFuzzer, ASAN and UBSAN and runs it: run.sh NAME [SECONDS], for NAME_fuzz.cc, from
# the workspace root. `bazelw test` runs each for some seconds; for longer, by hand:
#
#     tests/fuzz/run.sh journal 600
set -eu

name=$1
seconds=${2:-15}
out=$(mktemp -d "${TEST_TMPDIR:-/tmp}/fuzz.XXXXXX")
trap 'rm -rf "$out"' EXIT
flags="-g -O1 -I. -fsanitize=address,undefined -fno-sanitize-recover=undefined"
for source in core/{change,error,journal,mem,sys,sys_posix}.c; do
  clang-14 -std=c11 -D_GNU_SOURCE $flags -fsanitize=fuzzer-no-link -c "$source" \
    -o "$out/$(basename "$source" .c).o"
done
clang++-14 -std=c++17 $flags -fsanitize=fuzzer "tests/fuzz/${name}_fuzz.cc" "$out"/*.o -o "$out/fuzz"
corpus=$out/corpus
mkdir "$corpus"
"$out/fuzz" -max_len=2000 -max_total_time="$seconds" -print_final_stats=1 \
  -artifact_prefix="${TEST_UNDECLARED_OUTPUTS_DIR:-$PWD}/" "$corpus" 2>&1 | tail -n 20
exit "${PIPESTATUS[0]}"
