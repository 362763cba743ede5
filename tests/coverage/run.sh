#!/bin/bash
# Measures which lines and branches the tests reach: tests/coverage/run.sh [PATTERN …], from the
# workspace root. Builds core, the library and the tests that match (core/*_test ext/*_test clients/*.py
# without a PATTERN) with gcc's --coverage, runs them, and prints the table and, for the files that
# must not fail, each branch that no test takes. What it builds stays in $MMAP_COVERAGE_HOME
# (/tmp/mmap-coverage-USER): the second run compiles only what has changed.
#
# A branch that cannot be reached is marked where it stands, with the reason:
# LCOV_EXCL_BR_LINE in a comment on its line. Processes that a test kills report nothing.
set -eu

out=${MMAP_COVERAGE_HOME:-/tmp/mmap-coverage-$(id -un)}
gtest=/usr/src/googletest/googletest
include="-I. -I$gtest/include"
mkdir -p -m 700 "$out"/{core,ext,support,tests/core,tests/ext}
[ -O "$out" ] || exit 1
[ $# -gt 0 ] || set -- 'core/*_test' 'ext/*_test' 'clients/*.py'
export MMAP_LIBRARY="$out/ext/mmap0.so" TEST_TMPDIR="$out/tmp"
mkdir -p "$TEST_TMPDIR"

# stdin: pairs of a source and what is made of it; $1: the compiler and its flags. What is newer than its
# source and all headers stays.
compile() {
  newest=$(ls -t core/*.h ext/*.h tests/support/*.h | head -n 1)
  while read -r source object; do
    [ "$object" -nt "$source" ] && [ "$object" -nt "$newest" ] || printf '%s\0%s\0' "$source" "$object"
  done | xargs -0 -r -n 2 -P 2 sh -c "exec $(echo $1) -c \"\$0\" -o \"\$1\""
}

build() {
  for source in core/*.c ext/*.c; do echo "$source $out/${source%.c}.o"; done |
    compile "gcc -std=c11 -D_GNU_SOURCE -fPIC -fvisibility=hidden -g -O0 --coverage
      -fprofile-update=atomic -I."
  for source in tests/support/*.cc; do
    echo "$source $out/support/$(basename "$source" .cc).o"
  done |
    compile "g++ -std=c++17 -O0 $include"
  [ -e "$out/support/gtest.o" ] ||
    g++ -std=c++17 -O0 $include -I"$gtest" -c "$gtest/src/gtest-all.cc" -o "$out/support/gtest.o"
  [ -e "$out/support/gtest_main.o" ] ||
    g++ -std=c++17 -O0 $include -c "$gtest/src/gtest_main.cc" -o "$out/support/gtest_main.o"
  gcc -O1 -c tests/coverage/exits.c -o "$out/support/exits.o"
  local core ext
  core=$(printf "$out/%s.o " $(ls core/*.c | sed 's/[.]c$//'))
  ext=$(printf "$out/%s.o " $(ls ext/*.c | sed 's/[.]c$//'))
  rm -f "$out/core.a"
  ar rcs "$out/core.a" $core
  gcc -shared --coverage -o "$MMAP_LIBRARY" $core $ext -Wl,-z,nodelete -Wl,-z,defs \
    -Wl,--exclude-libs,ALL -l:libpcre2-8.a -l:libdeflate.a -lpthread
  local libraries="--coverage -lsqlite3 -l:libpcre2-8.a -l:libdeflate.a -ldl -lpthread"
  for test in $tests; do
    case $test in
      core/*) echo "tests/$test.cc $out/tests/$test.o" ;;
      ext/*) echo "tests/$test.cc $out/tests/$test.o" ;;
    esac
  done |
    compile "g++ -std=c++17 -O0 $include"
  for test in $tests; do
    [ -e "tests/$test.cc" ] || continue
    g++ "$out/tests/$test.o" "$out"/support/*.o "$out/core.a" $libraries -o "$out/tests/$test"
  done
}

# The tests' names, as in //tests:NAME.
list() {
  for pattern in "$@"; do
    (cd tests && ls -d $pattern.cc $pattern 2>/dev/null | sed 's/[.]cc$//')
  done
}

run() {
  local log="$out/log" failed=0
  for test in $tests; do
    local program=$out/tests/$test
    [ -e "tests/$test.cc" ] || program=tests/$test
    if ! "$program" >"$log" 2>&1; then
      echo "FAILED $test" >&2
      tail -n 20 "$log" >&2
      failed=1
    fi
  done
  return $failed
}

tests=$(list "$@")
build
find "$out" -name '*.gcda' -delete
failed=0
run || failed=1
lcov -q --rc lcov_branch_coverage=1 --rc geninfo_gcov_all_blocks=0 -c -d "$out" --no-external -b . \
  -o "$out/coverage.info" >"$out/log" 2>&1 || cat "$out/log"
python3 tests/coverage/report.py "$out/coverage.info" core/{log,journal,recover,commit}.c \
  core/{change,lock,guard,own,object}.c
exit $failed
