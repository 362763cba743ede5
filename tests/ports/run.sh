#!/bin/bash
# The library on other machines than this one:
#
#     tests/ports/run.sh arm64                    # i686, arm64, armhf, s390x, musl; several will do
#     tests/ports/run.sh arm64 core/search/find_test     # after the SQL these tests, by their names
#     tests/ports/run.sh --short arm64            # the SQL alone
#
# i686 runs on x86-64 as it is, where the kernel lets it; it, arm64, armhf and s390x, which is big-endian, are
# emulated by qemu; musl is another C library, for x86-64. On each all the SQL of everything.py gives what it gives here; then come the
# tests of core and SQL, but for musl, as Debian has no C++ library for it.
#
# Debian's packages (and npm's, for SQLite's source) are fetched at the first use and unpacked, not installed,
# in ~/.cache/sqlite-mmap/ports: 125 MB for all, half of it qemu. --short fetches nothing, and passes where
# nothing is unpacked, saying so: Bazel runs it so, as //tests:ports/arm64.
set -euo pipefail

# By name: Debian's for it, its compiler's, its linker's package, its emulator.
machines='
i686   i386   i686-linux-gnu       -                             qemu-i386-static
arm64  arm64  aarch64-linux-gnu    binutils-aarch64-linux-gnu    qemu-aarch64-static
armhf  armhf  arm-linux-gnueabihf  binutils-arm-linux-gnueabihf  qemu-arm-static
s390x  s390x  s390x-linux-gnu      binutils-s390x-linux-gnu      qemu-s390x-static
musl   amd64  x86_64-linux-musl    -                             -
'
libraries='libc6 libc6-dev linux-libc-dev libgcc-12-dev libstdc++-12-dev libgcc-s1 libstdc++6
  libsqlite3-0 libsqlite3-dev libpcre2-8-0 libpcre2-dev libdeflate0 libdeflate-dev
  libssl3 libssl-dev libb2-1 libb2-dev libxxhash-dev'
sqlite_of_npm=better-sqlite3@7.5.3 # SQLite 3.38.5

# What is tried on an emulated machine, where all would take an hour; on others it is everything.
for_emulated='core/bytes/type_test core/bytes/half_test core/bytes/array_test core/bytes/varlen_test core/bytes/bits_test core/file/log_test core/file/journal_test core/search/find_test core/search/heads_test core/os/path_test core/file/crash_model_test
  core/os/lock_test core/search/search_test core/file/change_test core/os/glob_test core/file/tag_test core/search/hex_test core/os/sys_test
  ext/connection/transaction_test ext/functions/find_test ext/functions/search_test ext/connection/values_test ext/tables/scans_test ext/functions/pin_test ext/records/sorted_test'

# What is left out where, and why: a test, or cases of it. "emulated": under qemu 7.2.
left_out='
emulated core/os/sys_test:Sys.DropsLockedPagesToo  qemu refuses the advice
emulated core/file/object_test:ObjectTest.GrowsToATebibyteAndBackAtOnce  qemu takes 21 GB for the addresses
emulated core/os/guard_test    qemu ends with an assertion, and s390x has wrong addresses of faults there
emulated core/file/hammer_test   processes end by themselves
i686     core/bytes/type_test     computes with 128 bits, which compilers do not have there
i686     core/bytes/slice_test    likewise
armhf    core/bytes/type_test     likewise
armhf    core/bytes/slice_test    likewise
i686     ext/records/records_test:RecordsTest.ReadsElfSections  reads the library as ELF of 64 bits
'

cd "$(dirname "$0")/../.."
top=$PWD
home=$(getent passwd "$(id -u)" | cut -d: -f6) # Bazel gives its tests no HOME
[ -z "${TEST_SRCDIR:-}" ] || unset HOME XDG_CACHE_HOME
cache=${XDG_CACHE_HOME:-${HOME:-$home}/.cache}/sqlite-mmap/ports
work=$(mktemp -d "${TEST_TMPDIR:-${TMPDIR:-/tmp}}/ports.XXXXXX")
trap 'rm -rf "$work"' EXIT

die() {
  printf 'run.sh: %s\n' "$*" >&2
  exit 1
}

# Sets machine, debian, triple, binutils, qemu and root.
choose() {
  read -r machine debian triple binutils qemu < <(awk -v name="$1" '$1 == name' <<<"$machines") ||
    die "$1 is none of: $(awk 'NF { print $1 }' <<<"$machines" | tr '\n' ' ')"
  root=$cache/$machine
  export machine triple qemu root work
}

is_emulated() {
  [ -e "$root/tools/usr/bin/$qemu" ]
}

# ---- what is fetched ---------------------------------------------------------------------------

# Unpacks Debian's packages into a directory.
unpack() {
  local to=$1 debs deb
  shift
  mkdir -p "$to"
  debs=$(mktemp -d "$work/debs.XXXXXX")
  (cd "$debs" && apt download "$@")
  for deb in "$debs"/*.deb; do
    case $deb in
      *qemu*) dpkg --fsys-tarfile "$deb" | tar -x -C "$to" "./usr/bin/$qemu" ;;
      *) dpkg -x "$deb" "$to" ;;
    esac
  done
  rm -rf "$debs"
}

# Absolute links in what is unpacked lead to what is unpacked.
relink() {
  local link target
  find "$1" -type l -lname '/*' | while read -r link; do
    target=$1$(readlink "$link")
    [ ! -e "$target" ] || ln -sfn "$target" "$link"
  done
}

get_debian() {
  # shellcheck disable=SC2046 # words
  unpack "$root/root" $(printf "%s:$debian " $libraries)
  relink "$root/root"
  if [ "$machine" = i686 ]; then
    # Not all kernels run it.
    "$root/root/lib/ld-linux.so.2" --version >/dev/null 2>&1 ||
      unpack "$root/tools" qemu-user-static:amd64
    return
  fi
  unpack "$root/tools" "$binutils:amd64" qemu-user-static:amd64
  printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s "$@"\n' \
    "$root/tools/usr/lib/x86_64-linux-gnu" "$root/tools/usr/bin/$triple-ld" >"$root/tools/ld"
  chmod +x "$root/tools/ld"
}

# Compiles C for musl into $root/lib/NAME.
archive() {
  local name=$1 objects
  shift
  objects=$(mktemp -d "$work/objects.XXXXXX")
  (cd "$objects" && gcc -specs="$root/specs" -O2 -w -fPIC -c "$@")
  ar rcs "$root/lib/$name" "$objects"/*.o
}

# PCRE2 as its file NON-AUTOTOOLS-BUILD says.
build_pcre2() {
  local from=$1
  cp "$from/src/pcre2.h.generic" "$from/src/pcre2.h"
  cp "$from/src/config.h.generic" "$from/src/config.h"
  cp "$from/src/pcre2_chartables.c.dist" "$from/src/pcre2_chartables.c"
  cp "$from/src/pcre2.h" "$root/include/"
  # shellcheck disable=SC2046 # words
  archive libpcre2-8.a -DHAVE_CONFIG_H -DPCRE2_CODE_UNIT_WIDTH=8 -DSUPPORT_UNICODE -DSUPPORT_JIT \
    -I"$from/src" $(find "$from/src" -maxdepth 1 -name 'pcre2_*.c' |
      grep -vE 'jit_(match|misc|test)|dftables|fuzz|printint|ucptables')
}

get_musl() {
  local sources lib=/usr/lib/x86_64-linux-musl deb
  unpack "$root" musl:amd64 musl-dev:amd64 musl-tools:amd64
  mkdir -p "$root/include" "$root/lib"
  sed "s,-L$lib,-L$root/lib/x86_64-linux-musl -L$root$lib,; t
    s,/usr/[a-z]*/x86_64-linux-musl,$root&,g
    s,/lib/ld-musl-x86_64.so.1,$root/lib/x86_64-linux-musl/libc.so," \
    "$root$lib/musl-gcc.specs" >"$root/specs"
  sources=$(mktemp -d "$work/sources.XXXXXX")
  (cd "$sources" && apt source --download-only pcre2 libdeflate &&
    npm pack --silent "$sqlite_of_npm" >/dev/null &&
    for deb in *.orig.tar.gz *.tgz; do tar -xzf "$deb"; done &&
    find package/deps -name '*.tar.gz' -execdir tar -xzf {} \;)
  find "$sources/package" -name 'sqlite3*.h' -exec cp {} "$root/include/" \;
  cp "$sources"/libdeflate-*/libdeflate.h "$root/include/"
  build_pcre2 "$(echo "$sources"/pcre2-*/)"
  # shellcheck disable=SC2046 # words
  archive libdeflate.a -I"$root/include" $(find "$sources"/libdeflate-*/lib -name '*.c' | grep -v '/arm/')
  archive libsqlite3.a -O1 -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_MATH_FUNCTIONS \
    "$(find "$sources/package" -name sqlite3.c)"
}

# Whole or not at all.
get() {
  [ ! -e "$root/done" ] || return 0
  printf 'run.sh: fetching packages for %s\n' "$machine" >&2
  rm -rf "$root"
  mkdir -p "$root"
  . third_party/debian.sh
  lists 'deb deb-src' amd64,i386,arm64,armhf,s390x
  if [ "$machine" = musl ]; then get_musl; else get_debian; fi
  touch "$root/done"
}

# ---- compilers ---------------------------------------------------------------------------------

# Compiles, by clang-14 or clang++-14, for the machine.
compile() {
  local compiler=$1
  shift
  case $machine in
    musl) gcc -specs="$root/specs" -isystem "$root/include" -L"$root/lib" "$@" ;;
    i686) "$compiler" --target="$triple" --sysroot="$root/root" "$@" ;;
    *) "$compiler" --target="$triple" --sysroot="$root/root" --ld-path="$root/tools/ld" \
      -Wno-unused-command-line-argument "$@" ;;
  esac
}

# Starts a program of the machine's. qemu looks for some of its directories here, and finds none.
start() {
  if is_emulated; then
    "$root/tools/usr/bin/$qemu" -L "$root/root" \
      -E LD_LIBRARY_PATH="$root/root/lib/$triple:$root/root/usr/lib/$triple" "$@"
  else
    "$@"
  fi
}

# A program of i686 finds its libraries by itself: it may start itself again.
own_libraries() {
  [ "$machine" = i686 ] || return 0
  printf -- '-Wl,--dynamic-linker,%s -Wl,--disable-new-dtags -Wl,-rpath,%s ' "$root/root/lib/ld-linux.so.2" \
    "$root/root/lib/i386-linux-gnu:$root/root/usr/lib/i386-linux-gnu"
}

# PCRE2 and libdeflate: Debian's static ones of i686 are none for a library.
needed_libraries() {
  if [ "$machine" = i686 ]; then echo '-lpcre2-8 -ldeflate -lcrypto -lb2'; else echo '-l:libpcre2-8.a -l:libdeflate.a -l:libcrypto.a -l:libb2.a'; fi
}

flags_of() {
  sed -n "/^$1/,/^]/s/.*\"\(-[^\"]*\)\".*/\1/p" flags.bzl
}

# The library from its one C file, which is Bazel's or made here.
build_library() {
  local source=mmap0.c
  if [ ! -e $source ]; then
    source=$work/mmap0.c
    find core ext -name '*.[ch]' | sort | xargs python3 ext/amalgamate.py "$source"
  fi
  mkdir -p "$work/run/ext"
  # shellcheck disable=SC2046 # words
  compile clang-14 -std=gnu11 -O1 -Wall -Wextra -Wconversion -Werror -fPIC -shared -Wl,-z,defs \
    "$source" -o "$work/run/ext/mmap0.so" $(needed_libraries)
}

# ---- all the SQL -------------------------------------------------------------------------------

# Each time in a directory of the same name, as some answers have it.
answers() {
  rm -rf "$work/sql"
  mkdir "$work/sql"
  (cd "$work/sql" && "$@" <"$work/everything.sql")
}

compare_sql() {
  local library=ext/mmap0.so
  if [ ! -e $library ]; then
    ./bazelw build //ext:mmap0.so >"$work/log" 2>&1 || die "no library: $(tail -3 "$work/log")"
    library=bazel-bin/$library
  fi
  tests/ports/everything.py docs/reference.md >"$work/everything.sql"
  gcc -std=gnu11 -O1 tests/ports/answers.c -o "$work/here" -lsqlite3
  # shellcheck disable=SC2046 # words
  compile clang-14 -std=gnu11 -O1 $(own_libraries) tests/ports/answers.c -o "$work/there" \
    -lsqlite3 -lm
  answers "$work/here" "$(realpath $library)" >"$work/expected"
  answers start "$work/there" "$work/run/ext/mmap0.so" >"$work/got" ||
    printf '%s: the SQL ended with %s\n' "$machine" $?
  if ! cmp -s "$work/expected" "$work/got"; then
    diff -a "$work/expected" "$work/got" | cut -c1-300 | head -40
    return 1
  fi
  printf '%s: %s lines of answers, the same as here\n' "$machine" "$(wc -l <"$work/got")"
}

# ---- the tests ---------------------------------------------------------------------------------

# Compiles a source into $work/objects.
object() {
  local out
  out=$work/objects/$(tr / _ <<<"$1").o
  # shellcheck disable=SC2046 # words
  case $1 in
    *.c) compile clang-14 -I. -D_FILE_OFFSET_BITS=64 -O2 $(flags_of C_OPTS) -c "$1" -o "$out" ;;
    *) compile clang++-14 -I. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -w -std=c++17 -O1 \
      -I/usr/src/googletest/googletest/include -I/usr/src/googletest/googletest \
      -c "$1" -o "$out" ;;
  esac
}

# The program of a test, core_find_test of core/search/find_test.
link() {
  local name
  name=$(tr / _ <<<"$1")
  # shellcheck disable=SC2046 # words
  compile clang++-14 $(own_libraries) "$work/objects/tests_$name.cc.o" "$work/tests.a" \
    -o "$work/run/$name" -lsqlite3 $(needed_libraries) -lpthread -ldl
}

export -f compile object link flags_of own_libraries needed_libraries

build_tests() {
  local googletest=/usr/src/googletest/googletest/src
  mkdir -p "$work/objects"
  { printf 'tests/%s.cc\n' "$@" && find core -name '*.c' ! -name '*_windows.c' && ls tests/support/*.cc &&
    ls $googletest/gtest-all.cc $googletest/gtest_main.cc; } |
    xargs -P "$(nproc)" -I{} bash -c 'object {}' || return 1
  find "$work/objects" -name '*.o' ! -name '*_test.cc.o' -exec ar rcs "$work/tests.a" {} +
  printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} bash -c 'link {}'
}

# What is left out of a test, for googletest: "-" and nothing if nothing is.
filter_of() {
  awk -v machine="$machine" -v emulated="$(is_emulated && echo emulated)" -v test="$1:" \
    'index($2, test) == 1 && ($1 == machine || $1 == emulated) {
       printf "%s%s", separator, substr($2, length(test) + 1); separator = ":" }' <<<"$left_out"
}

run_test() {
  local name=$1 filter status=0
  filter=$(filter_of "$name")
  rm -rf "$work/tmp"
  mkdir "$work/tmp"
  (cd "$work/run" && export TEST_TMPDIR=$work/tmp MMAP_LIBRARY=$work/run/ext/mmap0.so &&
    start "./${name//\//_}" --gtest_filter="*:-$filter" --gtest_brief=1) >"$work/log" 2>&1 ||
    status=$?
  if [ $status != 0 ]; then tail -40 "$work/log"; fi
  printf '%s: %s: %s%s\n' "$machine" "$name" \
    "$(grep -a '^\[  PASSED' "$work/log" | tail -1 || true)" "${filter:+ without $filter}"
  [ $status = 0 ]
}

# Which tests, if none are named: less those that are left out whole.
all_tests() {
  if is_emulated; then
    printf '%s\n' $for_emulated
  else
    (cd tests && find core ext -name '*_test.cc' | sort) | sed 's/\.cc$//'
  fi | while read -r name; do [ -n "$(left_out_why "$name")" ] || echo "$name"; done
}

# Why a test is left out whole; nothing if it is not.
left_out_why() {
  awk -v machine="$machine" -v emulated="$(is_emulated && echo emulated)" -v test="$1" \
    '$2 == test && ($1 == machine || $1 == emulated) { print }' <<<"$left_out"
}

run_tests() {
  local name failed=0
  awk -v machine="$machine" -v emulated="$(is_emulated && echo emulated)" \
    '$1 == machine || $1 == emulated { print "left out on " $0 }' <<<"$left_out"
  build_tests "$@" || return 1
  for name in docs sql README.md CHANGELOG.md core tests; do ln -s "$top/$name" "$work/run/"; done
  for name in "$@"; do
    run_test "$name" || { printf '%s: %s FAILED\n' "$machine" "$name"; failed=1; }
  done
  return $failed
}

# ---- the command -------------------------------------------------------------------------------

short=
case ${1:-} in --short) short=yes && shift ;; esac
[ $# -gt 0 ] || die "say which: $(awk 'NF { print $1 }' <<<"$machines" | tr '\n' ' ')"
names=() named=()
for word in "$@"; do
  case $word in */*) named+=("$word") ;; *) names+=("$word") ;; esac
done
failed=0
for name in "${names[@]}"; do
  choose "$name"
  if [ -n "$short" ] && [ ! -e "$root/done" ]; then
    printf '%s: nothing is unpacked; tests/ports/run.sh %s would fetch it\n' "$name" "$name"
    continue
  fi
  get
  rm -rf "$work"
  mkdir -p "$work"
  build_library
  compare_sql || failed=1
  if [ -z "$short" ] && [ "$machine" != musl ]; then
    tests=("${named[@]}")
    [ ${#tests[@]} -gt 0 ] || mapfile -t tests < <(all_tests)
    run_tests "${tests[@]}" || failed=1
  fi
done
exit $failed
