#!/bin/sh
# `bazelw run //:pictures`: the pictures in README, of the library itself, by picture.sql.
set -eu

docs=$BUILD_WORKSPACE_DIRECTORY/docs
sqlite3 -init /dev/null -batch :memory: '.load ext/mmap0' '.read sql/picture.sql' \
  "INSERT INTO target VALUES ('ext/mmap0.so')" \
  "SELECT writefile('$docs/map.svg', svg) FROM picture_map" \
  "SELECT writefile('$docs/strip.svg', svg) FROM picture_entropy" >/dev/null
ls -l "$docs/map.svg" "$docs/strip.svg"
