#!/bin/sh
# Every C and C++ file is as clang-format 14 would write it: `clang-format-14 -i FILE` mends one.
set -eu
cd "$(dirname "$0")/../.."
find -L core ext tests -name '*.[ch]' -o -name '*.cc' | sort >"${TEST_TMPDIR:-/tmp}/files"
[ "$(wc -l <"${TEST_TMPDIR:-/tmp}/files")" -gt 100 ] || { echo "where are the sources?"; exit 1; }
xargs clang-format-14 --dry-run -Werror --style=file <"${TEST_TMPDIR:-/tmp}/files"
