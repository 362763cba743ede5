#!/bin/bash
# Two builds of the packages, in two directories that have nothing in common, are the same bytes. Minutes.
#
#     tests/dist/twice.sh [TARGET...]        # //dist:all, or for instance //dist:aarch64 too
set -euo pipefail

cd "$(dirname "$0")/../.."
scratch=$(mktemp -d "${TMPDIR:-/tmp}/twice.XXXXXX")
trap 'for n in 1 2; do [ ! -e "$scratch/$n/src" ] || (cd "$scratch/$n/src" && ./bazelw --output_user_root="$scratch/$n/out" shutdown); done
  chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT

# The sources as they are now.
copy() {
  mkdir -p "$scratch/$1/src"
  tar -c --exclude='./bazel-*' --exclude=./.git . | tar -x -C "$scratch/$1/src"
}

# The sums of what is made in the directory $1, with a mask, in a time zone and by a Bazel of its own.
build() {
  local at=$scratch/$1
  (cd "$at/src" && umask "$2" && export TZ=$3 &&
    ./bazelw --output_user_root="$at/out" build "${@:4}" >"$at/log" 2>&1) || { tail "$at/log" >&2; return 1; }
  (cd "$at/src/bazel-bin/dist" && find . -maxdepth 1 -type f -exec sha256sum {} + | sort -k 2) >"$at/sums"
}

[ $# -gt 0 ] || set -- //dist:all
copy 1
copy 2
build 1 022 UTC "$@"
build 2 077 Pacific/Auckland "$@"
[ -s "$scratch/1/sums" ]
diff "$scratch/1/sums" "$scratch/2/sums"
cat "$scratch/1/sums"
