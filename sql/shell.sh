#!/bin/sh
# `bazelw run //:shell [-- ARGS]`: the sqlite3 shell in the user's own directory, library loaded.
set -eu

library=$(realpath ext/mmap0.so)
cd "${BAZELW_DIRECTORY:-${BUILD_WORKING_DIRECTORY:-.}}"
exec sqlite3 -cmd ".load '$library'" "$@"
