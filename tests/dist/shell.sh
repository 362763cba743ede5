#!/bin/bash
# shell.sh ARCHIVE SHELL [EMULATOR]: the library in ARCHIVE is loaded by SHELL, a sqlite3 shell for the same system,
# which EMULATOR runs, and the main job runs.
set -eu
. tests/dist/job.sh

shell=$(readlink -f "$2")
tar -x -z -C "$scratch" -f "$1"
library=$(echo "$scratch"/mmap0-*/lib/mmap0.so)
run_job "$library" "${library%0.so}ro.so" "${@:3}" "$shell"
