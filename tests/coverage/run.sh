#!/bin/bash
# Measures which lines and branches the tests reach: tests/coverage/run.sh [PATTERN …], from the
# workspace root. Builds core, the library and the tests that match (core/**/*_test ext/**/*_test versions/*_test
# clients/*.py without a PATTERN) with gcc's --coverage, runs them, and prints the table, each branch that
# no test takes of the files that must not fail, and what is below the bar: those files want all branches,
# all others 95 % of their lines. Fails if a test fails or, without a PATTERN, if anything is below. What
# it builds stays in $MMAP_COVERAGE_HOME (/tmp/mmap-coverage-USER): the second run compiles only what has
# changed.
#
#     apt-get install lcov
#     tests/coverage/run.sh
#     tests/coverage/run.sh core/os/guard_test 'core/object*_test'   # some of them: the table alone
#
# What cannot be reached is marked where it stands, with the reason: LCOV_EXCL_BR_LINE in a comment on a
# branch's line, LCOV_EXCL_START and LCOV_EXCL_STOP around lines. Processes that are killed report nothing.
set -eu
shopt -s globstar # ** is any number of folders, none included

for program in lcov gcov; do
  command -v $program >/dev/null && continue
  echo "$program is missing: apt-get install lcov gcc" >&2
  exit 2
done
whole=$([ $# -gt 0 ] || echo --bar)
[ $# -gt 0 ] || set -- 'core/**/*_test' 'ext/**/*_test' 'versions/*_test' 'clients/*.py'

workspace=$PWD
out=${MMAP_COVERAGE_HOME:-/tmp/mmap-coverage-$(id -un)}
gtest=/usr/src/googletest/googletest
include="-I. -I$gtest/include"
mkdir -p -m 700 "$out" "$out/support"
(cd "$workspace" && find core ext tests -type d) | (cd "$out" && xargs mkdir -p)
[ -O "$out" ] || exit 1
export MMAP_LIBRARY="$out/world/ext/mmap0.so"

# stdin: pairs of a source and what is made of it; $1: the compiler and its flags. What is newer than its
# source and all headers stays.
compile() {
  newest=$(ls -t core/**/*.h ext/*.h ext/**/*.h tests/support/*.h | head -n 1)
  while read -r source object; do
    [ "$object" -nt "$source" ] && [ "$object" -nt "$newest" ] || printf '%s\0%s\0' "$source" "$object"
  done | xargs -0 -r -n 2 -P 2 sh -c "exec $(echo $1) -c \"\$0\" -o \"\$1\""
}

build() {
  for source in core/**/*.c ext/**/*.c; do echo "$source $out/${source%.c}.o"; done |
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
  gcc -D_GNU_SOURCE -O1 -fPIC -fvisibility=hidden -c tests/coverage/exits.c -o "$out/support/exits.o"
  local core ext
  core=$(printf "$out/%s.o " $(ls core/**/*.c | sed 's/[.]c$//'))
  ext=$(printf "$out/%s.o " $(ls ext/**/*.c | sed 's/[.]c$//'))
  rm -f "$out/core.a"
  ar rcs "$out/core.a" $core
  gcc -shared --coverage -o "$MMAP_LIBRARY" $core $ext "$out/support/exits.o" \
    -Wl,-z,nodelete -Wl,-z,defs -Wl,--exclude-libs,ALL -l:libpcre2-8.a -l:libdeflate.a -l:libcrypto.a -l:libb2.a -lpthread
  local libraries="--coverage -lsqlite3 -l:libpcre2-8.a -l:libdeflate.a -l:libcrypto.a -l:libb2.a -ldl -lpthread"
  for test in $tests; do
    [ ! -e "tests/$test.cc" ] || echo "tests/$test.cc $out/tests/$test.o"
  done |
    compile "g++ -std=c++17 -O0 $include"
  for test in $tests; do
    [ -e "tests/$test.cc" ] || continue
    g++ "$out/tests/$test.o" "$out"/support/*.o "$out/core.a" $libraries -o "$out/tests/$test"
  done
}

# What the tests find around them: the workspace, and in it the library that is measured.
make_world() {
  rm -rf "$out/world"
  mkdir -p "$out/world/ext"
  ln -s "$workspace"/* "$out/world/" 2>/dev/null || true # but ext, which is there
  ln -s "$workspace"/ext/* "$out/world/ext/" 2>/dev/null || true # but the library, which is there
}

# The tests' names, as in //tests:NAME.
list() {
  for pattern in "$@"; do
    (cd tests && ls -d $pattern.cc $pattern 2>/dev/null | sed 's/[.]cc$//')
  done
}

# One test, whose name is $1; its failure is a file in $out/failed.
run() {
  local program=$out/tests/$1 name=${1//\//_} start=$SECONDS
  [ -e "tests/$1.cc" ] || program=tests/$1
  export TEST_TMPDIR="$out/tmp/$name"
  mkdir -p "$TEST_TMPDIR"
  if ! (cd "$out/world" && exec "$program") >"$out/tmp/$name.log" 2>&1; then
    mv "$out/tmp/$name.log" "$out/failed/"
  fi
  echo "$((SECONDS - start)) $1" >>"$out/seconds"
}

run_all() {
  export -f run
  export out
  rm -rf "$out/failed" "$out/tmp" "$out/seconds"
  mkdir -p "$out/failed" "$out/tmp"
  printf '%s\0' $tests | xargs -0 -n 1 -P 2 bash -c 'run "$1"' run
  for log in "$out"/failed/*; do
    [ -e "$log" ] || return 0
    echo "FAILED $(basename "$log" .log)" >&2
    tail -n 20 "$log" >&2
  done
  return 1
}

tests=$(list "$@")
make_world
build
find "$out" -name '*.gcda' -delete
failed=0
run_all || failed=1
lcov -q --rc lcov_branch_coverage=1 --rc geninfo_gcov_all_blocks=0 -c -d "$out" --no-external -b . \
  -o "$out/coverage.info" >"$out/log" 2>&1 || { cat "$out/log" && exit 1; }
# shellcheck disable=SC2086 # none or one
python3 tests/coverage/report.py $whole "$out/coverage.info" core/file/{log,log_merge,log_compact,journal,recover,commit,change,object}.c \
  core/os/{lock,guard,guard_posix,own}.c || failed=1
exit $failed
