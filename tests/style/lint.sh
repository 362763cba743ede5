#!/bin/bash
# Static analysers over core/ and ext/: the compilers' warnings, gcc -fanalyzer, clang-tidy (as .clang-tidy says)
# and cppcheck. Nothing may be found. It takes some minutes, so it is run by hand, not by `bazelw test`:
#
#     apt-get install clang-tidy-14 cppcheck
#     tests/style/lint.sh [FILE...]
#
# What an analyser gets wrong is marked at its place, NOLINT with the reason.
set -u
cd "$(dirname "$0")/../.."
files=("$@")
[ $# -gt 0 ] || mapfile -t files < <(find core ext -name '*.c' ! -name '*_windows.c' | sort)
found=$(mktemp)
trap 'rm -f "$found"' EXIT
flags=(-std=c11 -D_GNU_SOURCE -I.)
warnings=(-Wall -Wextra -Wconversion -Wshadow)

# MM_ANALYZER tells gcc's analyser what clang's knows by itself: see core/common/error.h.
each() { printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 1 "$@"; }
each gcc "${flags[@]}" "${warnings[@]}" -Wno-unused-value -O2 -fanalyzer -DMM_ANALYZER -c -o /dev/null \
  >>"$found" 2>&1
each clang-14 "${flags[@]}" "${warnings[@]}" -O2 -c -o /dev/null >>"$found" 2>&1
# One file at a time: with several, version 14 takes the second va_list for one that was never begun.
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 1 sh -c \
  'clang-tidy-14 --quiet "$@" -- -std=c11 -D_GNU_SOURCE -I. 2>&1 | grep -v "warnings generated\|^Suppressed\|^Use "' \
  lint >>"$found"
cppcheck --quiet --std=c11 --language=c --enable=warning,portability,performance --inline-suppr \
  -D_GNU_SOURCE -D__x86_64__ -I. "${files[@]}" >>"$found" 2>&1
cat "$found"
if [ -s "$found" ]; then exit 1; fi
echo "${#files[@]} files: nothing found"
