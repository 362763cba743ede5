#!/bin/sh
# `bazelw run //:demo`: runs demo.sql in a new directory that has `program`, a real ELF binary.
set -eu

library=$(realpath ext/mmap0.so)
demo=$(realpath sql/demo.sql)
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
trap 'exit 130' INT TERM
cp /bin/true "$directory/program"
chmod u+w "$directory/program"
cd "$directory"
sqlite3 -init /dev/null -batch -bail -cmd ".load '$library'" <"$demo"
