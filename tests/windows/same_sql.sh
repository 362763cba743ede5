#!/bin/bash
# same_sql.sh [ANSWERS LIBRARY ANSWERS.EXE LIBRARY.DLL]: all the SQL of tests/ports/everything.py is answered on
# Windows as it is here, byte for byte, by ANSWERS, tests/ports/answers.c. same_sql.sed takes out what the two
# systems call by different names.
set -euo pipefail

[ $# -gt 0 ] || exec tests/windows/run.sh

top=$PWD
work=${TEST_TMPDIR:-$(mktemp -d)}
here=$(realpath "$1") library=$(realpath "$2") there=$(realpath "$3") dll=$(realpath "$4")

# Each time in a directory of the same name, as some answers have it.
answers() {
  rm -rf "$work/sql"
  mkdir "$work/sql"
  (cd "$work/sql" && "$@" <"$work/everything.sql" | sed -E -f "$top/tests/windows/same_sql.sed")
}

tests/ports/everything.py docs/reference.md >"$work/everything.sql"
answers "$here" "$library" >"$work/expected"
answers "$top/tests/windows/run.sh" "$there" "$dll" >"$work/got"
if ! cmp -s "$work/expected" "$work/got"; then
  diff -a "$work/expected" "$work/got" | cut -c1-300 | head -60
  exit 1
fi
echo "$(wc -l <"$work/got") lines of answers, the same as here"
